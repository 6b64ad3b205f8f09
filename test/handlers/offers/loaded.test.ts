/** Whose turn it is does not depend on when a shard was loaded. */
import { expect, it } from 'vitest';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import type { Sayable } from '../message.ts';
import { type LogEntry, Shard } from '../properties/shard.ts';

let ids = 0;
const entry = (
  agent: string,
  pool: string,
  body: Omit<Sayable, 'id'> & Pick<Sayable, 'type'>,
  at = 1,
): LogEntry => ({
  agent,
  pool,
  at,
  body: { ...body, id: `d-${ids++}` },
});

it('a pool whose offers are looked at for the first time gets no turn by that', () => {
  const shards = [new Shard(), new Shard()] as const;
  const before = [
    entry(SWEEPER, SHARD_POOL, { type: 'Sweep', settings: { consequencesAtOnce: 1 } }),
    ...['side', 'work'].flatMap((pool) => [
      entry('ann', pool, { type: 'CreatePool' }),
      entry('ann', pool, { type: 'JoinPool' }),
      entry('bob', pool, { type: 'JoinPool' }),
    ]),
    entry('bob', 'work', { type: 'SubmitTask', taskId: 't', objective: 'x' }),
    entry('bob', 'work', { type: 'ClaimTask', taskId: 't' }),
    entry('bob', 'work', { type: 'StandBy' }),
  ];
  for (const shard of shards) for (const each of before) shard.apply(each);
  const [steady, loaded] = shards;
  loaded.commit();
  loaded.crash();
  for (const each of [
    entry(OPERATOR, SHARD_POOL, { type: 'BanAgent', agentId: 'bob' }, 2),
    ...Array.from({ length: 6 }, (_, i) => entry(SWEEPER, SHARD_POOL, { type: 'Settle' }, 3 + i)),
  ]) {
    expect(loaded.apply(each)).toEqual(steady.apply(each));
    expect(loaded.world.owing).toEqual(steady.world.owing);
  }
  expect(steady.world.owing).toEqual([]);
});
