/** Messages that nobody who reads the protocol would send, straight into the log. */

import type { Subjects } from '../../../src/protocol/subjects.ts';
import type { Random } from '../../kit/chance/random.ts';

/** One id is one decision, so bodies that have one at all take that of the message. */
const bodies = (id: string) =>
  [
    '',
    'x',
    '{',
    'null',
    '[]',
    '"text"',
    '{"id":1,"type":"Heartbeat"}',
    '{"id":"","type":"Heartbeat"}',
    '{"type":"SubmitTask"}',
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
    `{"id":"${id}","type":"SubmitTask","taskId":"t","objective":"o","inputs":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`,
    '{"__proto__":{"id":"p"},"type":"Heartbeat"}',
    `{"id":"${id}","type":"SubmitTask","taskId":"t","objective":"o","priority":1e400}`,
    `{"id":"${id}","type":"SubmitTask","taskId":"t","objective":"\\ud800"}`,
    '\u0000\u0001\u0002',
  ] as const;

export interface Poison {
  readonly subject: string;
  readonly payload: string | Uint8Array;
}

export function poison(
  random: Random,
  subjects: Subjects,
  shards: number,
  pools: readonly string[],
  id: string,
): Poison {
  const pool = pools[random.integer(pools.length)] ?? 'commons';
  const subject = subjects.decision(pool, 'stranger', shards);
  switch (random.integer(8)) {
    case 0:
      return { subject, payload: JSON.stringify({ id, type: 'NoSuchType' }) };
    case 1:
      return { subject, payload: JSON.stringify({ id, type: 'ClaimTask', taskId: '../..', epoch: -1 }) };
    case 2:
      return { subject, payload: Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc0]) };
    case 3:
      return { subject, payload: JSON.stringify({ id, type: 'Heartbeat', inputs: 'x'.repeat(300_000) }) };
    case 4: {
      // The shard of another pool: the log takes it, and the worker has to notice.
      const wrong = (random.integer(shards) + 1) % shards;
      return {
        subject: subjects.shardDecision(wrong, 'stranger', pool),
        payload: JSON.stringify({ id, type: 'Heartbeat' }),
      };
    }
    case 5:
      return { subject: `${subject}.too.many.tokens`, payload: JSON.stringify({ id, type: 'Heartbeat' }) };
    case 6:
      return {
        subject: subjects.shardDecision(0, '_sweeper', pool),
        payload: JSON.stringify({ id, type: 'SubmitTask' }),
      };
    default:
      return { subject, payload: random.pick(bodies(id)) };
  }
}
