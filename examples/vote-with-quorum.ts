/**
 * Five agents vote. The first vote ends without its quorum and so decides nothing; the second is decided, and closed,
 * by the ballot after which nobody can turn it any more. Then somebody counts again.
 *
 * Run it against `converge dev`: node dist/examples/vote-with-quorum.js
 */
import { acceptedOrThrow, Consensus } from '../src/index.ts';
import { play, runIfStarted, type Scene, say } from './example.ts';

const CREW = ['ann', 'bob', 'cid', 'dot', 'eve'] as const;
const OPTIONS = ['stay', 'go'];

export async function main(url: string): Promise<void> {
  await play(url, 'council', CREW, async (scene) => {
    const first = await ask(scene, 'Shall we go today?');
    await vote(scene, first, { ann: 'go', bob: 'go' });
    const { data } = acceptedOrThrow(
      await new Consensus(scene.as('host')).close(first, { pool: scene.pool }),
    );
    say('host', `closed: ${data.winner ?? 'no winner'} (${data.why})`);

    const second = await ask(scene, 'Shall we go tomorrow?');
    await vote(scene, second, { ann: 'go', bob: 'stay', cid: 'go', dot: 'go', eve: 'stay' });
    await countAgain(scene, second);
  });
}

/** Who may vote is settled here: the members of the pool at this moment. */
async function ask({ as, pool }: Scene, question: string): Promise<string> {
  const terms = { options: OPTIONS, method: 'majority', quorum: 3, closesAt: Date.now() + 60_000 } as const;
  const opened = await new Consensus(as('host')).openVote(
    { question, ...terms, options: [...OPTIONS] },
    { pool },
  );
  const { voteId, eligible } = acceptedOrThrow(opened).data;
  say('host', `${question} ${eligible.voters} may vote, 3 have to.`);
  return voteId;
}

async function vote({ as, pool }: Scene, voteId: string, ballots: Record<string, string>): Promise<void> {
  for (const [agent, option] of Object.entries(ballots)) {
    const outcome = await new Consensus(as(agent)).vote(voteId, { option }, { pool });
    if (outcome.status === 'rejected') say(agent, `${option}: too late (${outcome.code})`);
    else if (outcome.data.state === 'open') say(agent, option);
    else say(agent, `${option}: that decides it, ${outcome.data.winner}`);
  }
}

/** The rules are plain functions, and the ballots are there for all to see. */
async function countAgain({ as, pool }: Scene, voteId: string): Promise<void> {
  const closed = await new Consensus(as('eve')).getVote(voteId, { pool });
  const { winner, tally } = Consensus.majorityVote(OPTIONS, closed?.ballots.items ?? []);
  say('eve', `I count ${JSON.stringify(tally[0]?.counts)} as well: ${winner}`);
}

runIfStarted(import.meta.url, main);
