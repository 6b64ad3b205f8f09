/** The query `stats` has the alarms of every worker that lives, whichever worker answers it. */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { leaseHolderOf } from '../../src/state/lease.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { alarmsOfAll, heartbeatAlarms } from '../../src/workers/process/told-alarms.ts';
import { Movement } from '../../src/workers/time/movement.ts';

const [OWN, OTHER, DEAD] = ['w-1', 'w-2', 'w-3'].map((worker) => leaseHolderOf(worker, `${worker}-process`));

function alarms(): Alarms {
  const clock = { now: () => 7, monotonic: () => 7 };
  return new Alarms({ logger: pino({ level: 'silent' }), clock });
}

function beat(of: Alarms): string {
  const alarmsThere = heartbeatAlarms(of);
  return JSON.stringify({
    counter: 1,
    leaseMs: 1_000,
    wall: 7,
    machine: 'm',
    addresses: [],
    alarms: alarmsThere,
  });
}

it('all that live say theirs, those that do not live no more, and one that has none says nothing', () => {
  const [own, other] = [alarms(), alarms()];
  own.raise('redis_evicts', undefined, 'Redis may evict state');
  other.raise('shard_stalled', 3, 'the shard makes no progress although messages wait', { reason: 'commit' });
  const heartbeats = new Movement<string>();
  heartbeats.look(
    new Map([
      // What the others know of this worker may be old: it knows better itself.
      [OWN ?? '', beat(alarms())],
      [OTHER ?? '', beat(other)],
      [DEAD ?? '', beat(other)],
    ]),
    0,
    1,
  );
  const told = alarmsOfAll({ live: [OWN ?? '', OTHER ?? ''], holder: OWN ?? '', heartbeats }, own);
  expect(told).toEqual([
    {
      alarm: 'redis_evicts',
      worker: 'w-1',
      since: 7,
      text: 'redis_evicts: Redis may evict state',
      toDo: 'set maxmemory-policy noeviction',
    },
    {
      alarm: 'shard_stalled',
      worker: 'w-2',
      shard: 3,
      since: 7,
      text: 'shard_stalled: shard 3: the shard makes no progress although messages wait: commit',
      toDo: expect.stringContaining('look at the phase'),
    },
  ]);
  expect(heartbeatAlarms(alarms())).toBeUndefined();
});

it('a heartbeat carries a bounded part of very many', () => {
  const many = alarms();
  for (let shard = 0; shard < 200; shard++) many.raise('shard_stalled', shard, 'x'.repeat(5_000));
  expect(heartbeatAlarms(many)).toHaveLength(20);
  expect(beat(many).length).toBeLessThan(20_000);
});
