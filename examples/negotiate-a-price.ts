/**
 * Two agents negotiate a price. Each counters until it can live with the other's offer; an offer that has been replaced
 * can be accepted by nobody, so both mean the same price when they agree.
 *
 * Run it against `converge dev`: node dist/examples/negotiate-a-price.js
 */
import { acceptedOrThrow, NegotiationProtocol } from '../src/index.ts';
import { play, runIfStarted, type Scene, say } from './example.ts';

interface Haggler {
  readonly name: string;
  /** Where it begins; from there it comes a third of the way towards every offer of the other one. */
  readonly begins: number;
  readonly isFine: (price: number) => boolean;
}

const SELLER: Haggler = { name: 'seller', begins: 120, isFine: (price) => price >= 85 };
const BUYER: Haggler = { name: 'buyer', begins: 50, isFine: (price) => price <= 90 };

export async function main(url: string): Promise<void> {
  await play(url, 'bazaar', ['seller', 'buyer'], async (scene) => {
    const negotiation = new NegotiationProtocol(scene.as('seller'));
    const offer = { participants: ['seller', 'buyer'], proposal: { item: 'carpet', price: SELLER.begins } };
    const opened = await negotiation.createSession(offer, { pool: scene.pool });
    say('seller', `a carpet, for ${SELLER.begins}`);
    await Promise.all([haggle(scene, SELLER), haggle(scene, BUYER)]);

    const { sessionId } = acceptedOrThrow(opened).data;
    const session = await negotiation.getSession(sessionId, { pool: scene.pool });
    const agreed = session?.proposals.at(-1)?.content;
    say('host', `${session?.state} after ${session?.proposals.length} offers: ${JSON.stringify(agreed)}`);
  });
}

/** Answers every offer of the other one, until they agree. */
async function haggle(scene: Scene, { name, begins, isFine }: Haggler): Promise<void> {
  const { pool } = scene;
  const negotiation = new NegotiationProtocol(scene.as(name));
  let mine = begins;
  for await (const { type, actor, subject, data } of scene.events(name)) {
    if (type === 'converge.negotiation.accepted') return;
    const isOffer = type === 'converge.negotiation.opened' || type === 'converge.negotiation.countered';
    if (!isOffer || actor === name) continue;
    const sessionId = subject.slice('negotiation/'.length);
    const { price } = (data.content ?? data.proposal) as { price: number };
    if (isFine(price)) {
      say(name, `${price}: agreed`);
      await negotiation.accept(sessionId, String(data.proposalId), { pool });
      continue;
    }
    mine += Math.round((price - mine) / 3);
    say(name, `${price}? No: ${mine}`);
    await negotiation.propose(sessionId, { item: 'carpet', price: mine }, { pool });
  }
}

runIfStarted(import.meta.url, main);
