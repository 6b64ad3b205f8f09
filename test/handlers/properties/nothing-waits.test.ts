/** I9, for random logs of all decisions, the passing of time, crashes and reloads: asked after every message. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dump } from '../dump.ts';
import { unmatched } from '../offers/unmatched.ts';
import { RUNS, randomLog, randomLogOfOffers } from './random-log.ts';
import { Shard } from './shard.ts';

describe('nothing waits in vain', () => {
  it('after any message: no claimable task is eligible for an offer with a free place', () => {
    fc.assert(
      fc.property(randomLogOfOffers, (log) => {
        const shard = new Shard();
        for (const entry of log) {
          shard.apply(entry);
          expect(unmatched(shard.world, shard.now)).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('with auctions, votes and delegations between', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const shard = new Shard();
        for (const entry of log) {
          shard.apply(entry);
          expect(unmatched(shard.world, shard.now)).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('and what is chosen does not depend on when the shard was loaded', () => {
    fc.assert(
      fc.property(randomLogOfOffers, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), (log, chance) => {
        const steady = new Shard();
        const restless = new Shard();
        for (const entry of log) {
          const told = steady.apply(entry);
          if (chance.next().value === 0) {
            restless.commit();
            restless.crash();
          }
          expect(restless.apply(entry)).toEqual(told);
          expect(restless.world.owing).toEqual(steady.world.owing);
        }
        steady.commit();
        restless.commit();
        expect(dump(restless.loaded())).toEqual(dump(steady.loaded()));
      }),
      RUNS,
    );
  });
});

it('the logs are such that tasks are handed over, begun, left and given back', () => {
  const seen = new Set<string>();
  for (const log of fc.sample(randomLogOfOffers, { numRuns: 40, seed: 7 })) {
    const shard = new Shard();
    for (const entry of log)
      for (const { event } of shard.apply(entry).events) {
        const why = 'why' in event.data ? ` ${String(event.data.why)}` : '';
        const offer = 'offer' in event.data && event.type === 'task.claimed' ? ' handed' : '';
        seen.add(`${event.type}${why}${offer}`);
      }
  }
  for (const expected of [
    'task.claimed handed',
    'task.released not_started',
    'task.released released',
    'task.released taken_up',
    'offer.ended replaced',
    'offer.ended expired',
    'offer.ended stood_down',
    'offer.ended taken',
    'offer.ended not_started',
    'offer.ended left',
  ])
    expect(seen, expected).toContain(expected);
});
