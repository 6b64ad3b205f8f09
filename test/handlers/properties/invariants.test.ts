import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from '../../../src/handlers/world/world.ts';
import { isClaimed } from '../../../src/protocol/documents.ts';
import { dump, dumpWithoutPresence } from '../dump.ts';
import { Audit } from './audit.ts';
import { AGENTS, RUNS, randomLog } from './random-log.ts';
import { type LogEntry, Shard } from './shard.ts';

function play(log: readonly LogEntry[], look: (shard: Shard, entry: LogEntry) => void): Shard {
  const shard = new Shard();
  for (const entry of log) look(shard, entry);
  return shard;
}

/** The same documents in a world that knows nothing else: what it derives from them is what must be derived. */
function rebuilt(world: World): World {
  const fresh = new World();
  fresh.settings = world.settings;
  fresh.outcomes.count = world.outcomes.count;
  fresh.outcomes.bytes = world.outcomes.bytes;
  fresh.outcomes.oldestAt = world.outcomes.oldestAt;
  for (const ban of world.bans.values()) fresh.loadBan(ban);
  for (const [key, fullAtUs] of world.buckets.all()) fresh.buckets.load(key, fullAtUs);
  for (const { pool, turn } of world.owing) fresh.loadTurn(pool, turn);
  for (const [key, fences] of world.marks.all()) fresh.loadFences(key, fences);
  for (const state of world.pools.values()) {
    const copy = fresh.load(state.doc, state.sequence, state.retained);
    for (const member of state.members.values()) fresh.loadMember(copy, member);
    for (const offer of state.offers.all()) fresh.loadOffer(copy, offer);
    for (const map of Object.values(state.entities)) {
      for (const entity of map.values()) fresh.loadEntity(copy, entity);
    }
  }
  return fresh;
}

describe('over random logs', () => {
  it('events tell: one holder at most, epochs that rise, final states that stay, sequences without gaps', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const audit = new Audit();
        play(log, (shard, entry) => {
          const { events, now } = shard.apply(entry);
          for (const event of events) audit.see(event, now);
        });
      }),
      RUNS,
    );
  });

  it('a rejected decision has no events and changes nothing but the sign of life', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        play(log, (shard, entry) => {
          let before = '';
          const { applied, events } = shard.apply(entry, () => {
            before = JSON.stringify(withoutOutcomes(shard.world));
          });
          if (applied.status === 'accepted') return;
          expect(events).toEqual([]);
          expect(JSON.stringify(withoutOutcomes(shard.world))).toBe(before);
        });
      }),
      RUNS,
    );
  });

  it('every index, count and due time is what the documents say', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        play(log, (shard, entry) => {
          shard.apply(entry);
          expect(dump(shard.world)).toEqual(dump(rebuilt(shard.world)));
        });
      }),
      RUNS,
    );
  });

  it('nobody claims beyond the limit, and a pool admits nobody beyond its capacity', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        // A bound that is lowered takes nothing away: what there is beyond it may stay, and not grow.
        const before = new Map<string, number>();
        const expectBounded = (what: string, count: number, limit: number) => {
          expect(count, what).toBeLessThanOrEqual(Math.max(limit, before.get(what) ?? 0));
          before.set(what, count);
        };
        play(log, (shard, entry) => {
          const { now } = shard.apply(entry);
          for (const state of shard.world.pools.values()) {
            const { doc, members, entities } = state;
            const present = [...members.values()].filter(
              ({ agent, lastSeenAt, presenceMs }) =>
                state.membership(agent) !== undefined &&
                (lastSeenAt === undefined || presenceMs === undefined || lastSeenAt + presenceMs > now),
            );
            expectBounded(doc.pool, present.length, doc.capacity ?? AGENTS.length);
            for (const agent of AGENTS) {
              const held = [...entities.task.values()].filter(
                (task) =>
                  isClaimed(task) &&
                  task.claim.agent === agent &&
                  !state.isVoidClaim(task) &&
                  task.claim.expiresAt > now &&
                  (task.deadline ?? Number.POSITIVE_INFINITY) > now,
              );
              expectBounded(`${doc.pool} ${agent}`, held.length, doc.maxClaimsPerAgent ?? 1_000);
            }
          }
        });
      }),
      RUNS,
    );
  });

  it('nothing that was due by a sweep is due after enough of them', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const shard = play(log, (each, entry) => each.apply(entry));
        const at = shard.now + 1;
        const sweep: LogEntry = {
          agent: '_sweeper',
          pool: '_shard',
          at,
          body: { type: 'Sweep', id: 'last' },
        };
        for (let i = 0; i < 5 && isMore(shard.apply(sweep).applied.data); i++);
        expect(shard.world.nextDue() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(at);
        const before = JSON.stringify(withoutOutcomes(shard.world));
        expect(shard.apply(sweep).events).toEqual([]);
        expect(JSON.stringify(withoutOutcomes(shard.world))).toBe(before);
      }),
      RUNS,
    );
  });
});

function isMore(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'more' in data && data.more === true;
}

function withoutOutcomes(world: World): unknown {
  return { ...Object(dumpWithoutPresence(world)), outcomes: undefined };
}
