/** Too much, too large, or nothing that anybody can read: the others must not be kept from their work. */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { shardOf } from '../../../src/protocol/shard.ts';
import {
  type Attack,
  decisionSubject,
  OUTCOME_WITHIN_MS,
  outcomeOf,
  POLL_MS,
  type Scene,
  verdict,
} from './attack.ts';

/** Under the server's largest message, with room for headers and subject. */
const ALMOST_ALL_BYTES = 1024 * 1024 - 512;
const MOST_FEEDS = 64;
/** Of those who listen while the attacks run. */
const FEEDS_OF_OTHERS = 4;

export const ON_ROOM: readonly Attack[] = [
  ...[
    ['a wildcard for the pool', 'converge.decisions.0.*.bob'],
    ['a greater-than for the pool', 'converge.decisions.0.>.bob'],
    ['a pool that is no name', 'converge.decisions.0.a:b.bob'],
  ].map(
    ([what = '', subject = '']): Attack => ({
      what: `publishes with ${what}: a dead letter, and the shard goes on`,
      expected: 'a dead letter; accepted',
      run: (scene) => deadLetterThenGoOn(scene, subject, '{"id":"x","type":"Heartbeat"}'),
    }),
  ),
  {
    what: 'sends what the server just takes, and no decision in it',
    expected: 'a dead letter; accepted',
    run: (scene) =>
      deadLetterThenGoOn(
        scene,
        decisionSubject(scene.system, 'commons', 'bob'),
        'x'.repeat(ALMOST_ALL_BYTES),
      ),
  },
  {
    what: 'sends a decision as large as the server just takes',
    expected: 'too_large',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, 'commons', {
        id: 'as-large',
        type: 'SubmitTask',
        taskId: 'as-large',
        objective: 'x'.repeat(ALMOST_ALL_BYTES - 500),
      }),
  },
  {
    what: 'asks five hundred times at once: he is answered some, ann is not kept waiting',
    expected: 'rate_limited; accepted',
    run: (scene) => manyQueries(scene),
  },
  {
    what: 'opens a hundred feeds at once',
    expected: '64 at most',
    run: (scene) => manyFeeds(scene),
  },
];

async function deadLetterThenGoOn(
  { system, ann, rawBob }: Scene,
  subject: string,
  body: string,
): Promise<string> {
  const jsm = await jetstreamManager(await system.connect('otto'));
  const count = async () => (await jsm.streams.info('CONVERGE_DEADLETTERS')).state.last_seq;
  const before = await count();
  await rawBob.request(subject, body, { timeout: OUTCOME_WITHIN_MS });
  const deadline = performance.now() + OUTCOME_WITHIN_MS;
  while ((await count()) === before && performance.now() < deadline) await delay(POLL_MS);
  const letters = (await count()) - before;
  const pool = Array.from({ length: 100 }, (_, i) => `pool-${i}`).find(
    (name) => shardOf(name, system.shards) === 0,
  );
  // Of the shard that had it: `commons`, or that of the subjects above.
  const where = subject.includes('.commons.') ? 'commons' : String(pool);
  const outcome = await ann.decide(where, { type: where === 'commons' ? 'Heartbeat' : 'CreatePool' });
  const isThere = outcome.status === 'accepted' || outcome.code === 'pool_exists';
  return `${letters === 1 ? 'a dead letter' : `${letters} dead letters`}; ${isThere ? 'accepted' : outcome.code}`;
}

async function manyFeeds({ system, bob, rawBob }: Scene): Promise<string> {
  const open = async (token: string): Promise<void> => {
    rawBob.subscribe(system.subjects.feed('bob', token), { callback: () => undefined });
    await bob.query('feed', { pool: 'commons', token });
  };
  for (let i = 0; i < 100; i++) await open(`many-${i}`);
  const jsm = await jetstreamManager(await system.connect('otto'));
  const deadline = performance.now() + OUTCOME_WITHIN_MS;
  let count = 0;
  do {
    await delay(POLL_MS);
    count = (await jsm.streams.info('CONVERGE_EVENTS2')).state.consumer_count;
  } while (count > MOST_FEEDS + FEEDS_OF_OTHERS && performance.now() < deadline);
  return count <= MOST_FEEDS + FEEDS_OF_OTHERS ? '64 at most' : `${count} consumers`;
}

async function manyQueries({ ann, bob, rawBob }: Scene): Promise<string> {
  const taskId = bob.newId();
  const inputs = { text: 'x'.repeat(100_000) };
  await bob.decide('commons', { type: 'SubmitTask', taskId, objective: 'x', inputs });
  const body = JSON.stringify({ pool: 'commons', taskId });
  const answers = Array.from({ length: 500 }, () =>
    rawBob.request('converge.queries.task.bob', body, { timeout: OUTCOME_WITHIN_MS }).then(
      (reply) =>
        reply.data.length > 50_000 ? 'answered' : reply.json<{ error?: { code: string } }>().error?.code,
      (error) => String(error),
    ),
  );
  const outcome = await ann.decide('commons', { type: 'Heartbeat' }, { timeoutMs: OUTCOME_WITHIN_MS });
  const others = new Set(await Promise.all(answers));
  others.delete('answered');
  return `${[...others].join(', ')}; ${verdict(outcome)}`;
}
