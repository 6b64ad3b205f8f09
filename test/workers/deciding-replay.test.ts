/** Everything that agents decide together, through the real system; then the same state again from the log alone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConvergeClient } from '../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../src/client/core/outcomes.ts';
import { stateDigest } from '../../src/state/digest.ts';
import { connectForReads, openRedis, type Redis } from '../../src/state/redis.ts';
import { type Config, parseConfig } from '../../src/workers/config.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';
import { until } from '../support/until.ts';

const POOL = 'council';

let system: OwnSystem;
let config: Config;
let redis: Redis;

beforeAll(async () => {
  system = await OwnSystem.start({ name: 'deciding', env: process.env });
  const { servers } = system;
  config = parseConfig({
    natsUrl: servers.nats.url,
    redisUrl: servers.redis.url,
    shards: 3,
    sweepEveryMs: 100,
    leaseMs: 600,
    logLevel: 'silent',
    httpPort: -1,
  });
  redis = await openRedis(connectForReads(servers.redis.url));
});

afterAll(async () => {
  redis?.disconnect();
  await system?.stop();
});

/** Auctions of each kind, votes, a negotiation, delegations that are passed on, used and revoked; some ended by time. */
async function decideTogether(ann: ConvergeClient): Promise<void> {
  const [bob, cyd] = [ann.withAgent('bob'), ann.withAgent('cyd')];
  acceptedOrThrow(await ann.decide(POOL, { type: 'CreatePool' }));
  for (const member of [ann, bob, cyd]) acceptedOrThrow(await member.decide(POOL, { type: 'JoinPool' }));

  const soon = Date.now() + 1_500;
  for (const kind of ['first_price_sealed', 'second_price_sealed', 'english'] as const) {
    acceptedOrThrow(await ann.decide(POOL, { type: 'OpenAuction', auctionId: kind, kind, closesAt: soon }));
    await bob.decide(POOL, { type: 'SubmitBid', auctionId: kind, amount: '10.25' });
    await cyd.decide(POOL, { type: 'SubmitBid', auctionId: kind, amount: 12 });
  }
  const voting = { question: '?', options: ['yes', 'no'], closesAt: soon, closeWhenDecided: false };
  for (const method of ['plurality', 'schulze'] as const) {
    acceptedOrThrow(await ann.decide(POOL, { type: 'OpenVote', voteId: method, method, ...voting }));
  }
  const delegation = acceptedOrThrow(
    await ann.decide(POOL, { type: 'Delegate', delegateeId: 'bob', scope: ['votes', 'delegations'] }),
  );
  await bob.decide(POOL, { type: 'Delegate', delegateeId: 'cyd', scope: ['Vote'], onBehalfOf: 'ann' });
  await cyd.decide(POOL, { type: 'Vote', voteId: 'plurality', option: 'yes', onBehalfOf: 'ann' });
  await bob.decide(POOL, { type: 'Vote', voteId: 'schulze', ranking: ['no', 'yes'] });
  await ann.decide(POOL, { type: 'RevokeDelegation', delegationId: delegation.decisionId });
  await ann.decide(POOL, { type: 'Delegate', delegateeId: 'cyd', scope: ['tasks'], expiresAt: soon });
  const participants = ['ann', 'bob'];
  acceptedOrThrow(
    await ann.decide(POOL, { type: 'OpenNegotiation', sessionId: 's', participants, proposal: { price: 3 } }),
  );
  await bob.decide(POOL, { type: 'Propose', sessionId: 's', content: { price: 2 } });
  await ann.decide(POOL, { type: 'AcceptProposal', sessionId: 's', proposalId: 'p-2' });
}

it('a log of auctions, votes, negotiations and delegations gives the same state key for key', async () => {
  const worker = await startWorker(config);
  const ann = await ConvergeClient.connect({ agent: 'ann', url: system.servers.nats.url });
  await decideTogether(ann);
  const openAuctions = async (): Promise<number> =>
    (await ann.query('auctions', { pool: POOL, state: 'open' })).items.length;
  const openVotes = async (): Promise<number> =>
    (await ann.query('votes', { pool: POOL, state: 'open' })).items.length;
  await until('every close', async () => (await openAuctions()) + (await openVotes()) === 0);
  const english = await ann.query('auction', { pool: POOL, auctionId: 'english' });
  expect(english).toMatchObject({ state: 'awarded' });
  await ann.close();
  await worker.stop();
  const lived = await stateDigest(redis, config.namespace, config.shards);

  await redis.flushall();
  const { digest } = await rebuild(config);
  expect(digest).toBe(lived);
});
