/** Follows the published events as a subscriber could, and fails when they tell a story that must not happen. */
import { expect } from 'vitest';
import { type EntityEvent, isEntityEvent, kindOf } from '../../../src/handlers/kernel/entities.ts';
import type { DomainEvent } from '../../../src/handlers/kernel/events.ts';
import type { AppliedEvent } from '../../../src/handlers/world/world.ts';
import { COMMONS } from '../../../src/protocol/names.ts';

interface Holder {
  readonly agent: string;
  readonly epoch: number;
  readonly expiresAt: number;
}

interface SeenTask {
  epoch: number;
  holder: Holder | undefined;
  isFinal: boolean;
}

interface SeenEntity {
  isOver: boolean;
  /** Nobody says anything about it from then on. */
  endsAt: number;
}

class SeenPool {
  readonly entities = new Map<string, SeenEntity>();
  sequence = 0;
  isPaused = false;
  readonly members = new Set<string>();
  readonly tasks = new Map<string, SeenTask>();
}

export class Audit {
  readonly #pools = new Map<string, SeenPool>([[COMMONS, new SeenPool()]]);

  see({ pool, event, sequence }: AppliedEvent, now: number): void {
    if (event.type === 'pool.created') {
      expect(this.#pools.has(pool), `${pool} is created once`).toBe(false);
      this.#pools.set(pool, new SeenPool());
    }
    const seen = this.#pools.get(pool);
    if (seen === undefined) throw new Error(`${event.type} in ${pool}, which nobody created`);
    if (sequence !== undefined) {
      expect(sequence, `the events of ${pool} have no gaps`).toBe(seen.sequence + 1);
      seen.sequence = sequence;
    }
    if (event.type === 'pool.removed') {
      expect(seen.members.size, 'a removed pool has no members').toBe(0);
      expect(seen.tasks.size, 'a removed pool has no tasks').toBe(0);
      expect(seen.entities.size, 'a removed pool has nothing that was decided together').toBe(0);
      this.#pools.delete(pool);
    }
    if (event.type === 'pool.paused') seen.isPaused = true;
    if (event.type === 'pool.resumed') seen.isPaused = false;
    if (event.type === 'task.claimed')
      expect(seen.isPaused, `task ${event.id} is claimed while ${pool} is paused`).toBe(false);
    seeMember(seen, event);
    if (event.type.startsWith('task.')) seeTask(pool, seen, event, now);
    else if (isEntityEvent(event)) seeEntity(seen, event, now);
  }
}

function seeEntity(pool: SeenPool, event: EntityEvent, now: number): void {
  const ref = `${kindOf(event)}/${event.id}`;
  const opened = openedUntil(event);
  if (opened !== undefined) {
    expect(pool.entities.has(ref), `${ref} is opened once`).toBe(false);
    expect(opened, `${ref} is opened before its end`).toBeGreaterThan(now);
    pool.entities.set(ref, { isOver: false, endsAt: opened });
    return;
  }
  const entity = pool.entities.get(ref);
  if (entity === undefined) throw new Error(`${event.type} of ${ref}, which nobody opened`);
  expect(entity.isOver, `${event.type} of ${ref}: what has ended is only removed`).toBe(
    event.type.endsWith('.removed'),
  );
  if (WORDS.has(event.type))
    expect(now, `${event.type} before the end of ${ref}`).toBeLessThan(entity.endsAt);
  if (event.type === 'auction.extended') {
    expect(event.data.closesAt, 'it is only moved to a later time').toBeGreaterThan(entity.endsAt);
    entity.endsAt = event.data.closesAt;
  }
  if (event.type === 'delegation.expired' && event.data.cause === 'expired')
    expect(entity.endsAt, 'nothing expires early').toBeLessThanOrEqual(now);
  if (event.type === 'negotiation.expired')
    expect(entity.endsAt, 'nothing expires early').toBeLessThanOrEqual(now);
  entity.isOver = isLast(event);
  if (event.type.endsWith('.removed')) pool.entities.delete(ref);
}

/** What agents say while it lasts. */
const WORDS: ReadonlySet<string> = new Set([
  'auction.bid_placed',
  'auction.extended',
  'vote.cast',
  'negotiation.countered',
  'negotiation.accepted_by',
  'negotiation.accepted',
  'negotiation.rejected',
]);

/** Until when it lasts, of what an event opens. */
function openedUntil(event: EntityEvent): number | undefined {
  switch (event.type) {
    case 'auction.opened':
    case 'vote.opened':
      return event.data.closesAt;
    case 'negotiation.opened':
      return event.data.deadline ?? Number.POSITIVE_INFINITY;
    case 'delegation.granted':
      return event.data.expiresAt ?? Number.POSITIVE_INFINITY;
    default:
      return undefined;
  }
}

function isLast(event: EntityEvent): boolean {
  switch (event.type) {
    case 'auction.awarded':
      return event.data.taskId === undefined;
    case 'auction.settled':
    case 'auction.unsold':
    case 'auction.cancelled':
    case 'vote.closed':
    case 'negotiation.accepted':
    case 'negotiation.rejected':
    case 'negotiation.expired':
    case 'delegation.revoked':
    case 'delegation.expired':
    case 'auction.removed':
    case 'vote.removed':
    case 'negotiation.removed':
    case 'delegation.removed':
      return true;
    default:
      return false;
  }
}

function seeMember(pool: SeenPool, event: DomainEvent): void {
  const isMember = pool.members.has(event.id);
  switch (event.type) {
    case 'member.joined':
      expect(isMember, 'who joins was no member').toBe(false);
      pool.members.add(event.id);
      break;
    case 'member.updated':
      expect(isMember, 'who is updated is a member').toBe(true);
      break;
    case 'member.left':
    case 'member.expired':
    case 'member.removed':
      expect(isMember, 'who leaves was a member').toBe(true);
      pool.members.delete(event.id);
      break;
  }
}

function seeTask(name: string, pool: SeenPool, event: DomainEvent, now: number): void {
  if (event.type === 'task.submitted') {
    expect(pool.tasks.has(event.id), `${event.id} is submitted once`).toBe(false);
    pool.tasks.set(event.id, { epoch: 0, holder: undefined, isFinal: false });
    return;
  }
  const task = pool.tasks.get(event.id);
  if (task === undefined) throw new Error(`${event.type} of ${event.id}, which nobody submitted`);
  expect(task.isFinal, `${event.type} of ${event.id}: a final task is only removed`).toBe(
    event.type === 'task.removed',
  );
  const { holder } = task;
  switch (event.type) {
    case 'task.claimed': {
      const { agent, epoch, expiresAt } = event.data;
      expect(holder, 'at most one holder').toBeUndefined();
      expect(epoch, 'epochs rise by one').toBe(task.epoch + 1);
      expect(expiresAt).toBeGreaterThan(now);
      if (name !== COMMONS) expect(pool.members.has(agent), 'only members claim').toBe(true);
      task.epoch = epoch;
      task.holder = { agent, epoch, expiresAt };
      break;
    }
    case 'task.renewed': {
      expect(holder).toMatchObject({ agent: event.data.agent, epoch: event.data.epoch });
      expect(holder?.expiresAt, 'what is over is not renewed').toBeGreaterThan(now);
      expect(event.data.expiresAt).toBeGreaterThanOrEqual(holder?.expiresAt ?? Number.NaN);
      task.holder = { ...event.data };
      break;
    }
    case 'task.completed':
    case 'task.retried':
    case 'task.released':
      expect(holder).toMatchObject({ agent: event.data.agent, epoch: event.data.epoch });
      if (event.type === 'task.released' && event.data.why === 'not_started')
        expect(holder?.expiresAt, 'nothing is taken early').toBeLessThanOrEqual(now);
      else if (event.type !== 'task.released' || event.data.why !== 'absent')
        expect(holder?.expiresAt, `${event.type} while the claim lasts`).toBeGreaterThan(now);
      task.holder = undefined;
      task.isFinal = event.type === 'task.completed';
      break;
    case 'task.expired':
      expect(holder).toMatchObject({ agent: event.data.agent, epoch: event.data.epoch });
      expect(holder?.expiresAt, 'nothing expires early').toBeLessThanOrEqual(now);
      task.holder = undefined;
      break;
    case 'task.failed':
    case 'task.cancelled':
      expect(event.data.epoch, 'the holder is told, if there is one').toBe(holder?.epoch);
      expect(event.data.agent).toBe(holder?.agent);
      task.holder = undefined;
      task.isFinal = true;
      break;
    case 'task.unblocked':
    case 'task.dependency_completed':
      expect(holder).toBeUndefined();
      break;
    case 'task.removed':
      pool.tasks.delete(event.id);
      break;
  }
}
