/**
 * One pool in memory: its documents, and what is derived from them so that no rule has to search. Everything here
 * but the documents themselves is a function of the documents, and is rebuilt by putting them in again.
 */
import type { Auction } from '../../protocol/auctions.ts';
import {
  type Ban,
  type BlockedTask,
  type ClaimedTask,
  type FinalTask,
  isClaimable,
  isClaimed,
  isFinal,
  type LiveTask,
  type Member,
  type Pool,
  presenceEnds,
  type Task,
} from '../../protocol/documents.ts';
import { type Entity, type EntityKind, entityRef } from '../../protocol/entities.ts';
import { MINUTE_MS } from '../../protocol/limits.ts';
import type { Settings } from '../../protocol/settings.ts';
import { LiveAuctions } from '../auctions/live-auctions.ts';
import { LiveDelegations } from '../delegations/live-delegations.ts';
import type { EntityMaps } from '../entities.ts';
import { type ShardUsage, Usage } from '../quotas/usage.ts';
import { OpenVotes } from '../votes/open-votes.ts';
import { addTo, removeFrom } from './id-sets.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { PendingQueue } from './pending-queue.ts';

/** Something whose time comes. `at` is log time, milliseconds. */
export interface Due {
  readonly at: number;
  readonly kind: 'member' | 'task' | 'entity' | 'retention' | 'entity-retention' | 'removal';
  readonly id: string;
}

/** Ended entities leave the memory; retention needs their number in the store, and the oldest. */
export interface FinalTasks {
  readonly count: number;
  readonly oldestAt: number | undefined;
}

export class PoolState {
  doc: Pool;
  /** Number of the pool's latest event. */
  sequence: number;
  finals: FinalTasks = { count: 0, oldestAt: undefined };
  /** The same of auctions, votes, negotiations and delegations together. */
  ended: FinalTasks = { count: 0, oldestAt: undefined };
  liveTasks = 0;
  liveEntities = 0;
  /** Tasks that someone holds. */
  claims = 0;
  readonly usage: Usage;
  readonly entities: EntityMaps = {
    auction: new Map(),
    vote: new Map(),
    negotiation: new Map(),
    delegation: new Map(),
  };
  /** The live ones of `entities.auction`, and what became of their tasks. */
  readonly auctions = new LiveAuctions();
  /** The live ones of `entities.vote`. */
  readonly votes = new OpenVotes();
  /** The live ones of `entities.delegation`, by what a search for a chain asks for. */
  readonly delegations = new LiveDelegations();
  readonly members = new Map<string, Member>();
  readonly tasks = new Map<string, Task>();
  readonly pending = new PendingQueue();
  readonly due = new IndexedHeap<Due>(dueBefore);
  /** Final tasks that blocked ones still wait for, in the order in which they ended. */
  readonly unsettled = new IndexedHeap<FinalTask>(endedBefore);
  /** Of a closed pool: unfinished tasks that nobody holds. */
  #ending: IndexedHeap<LiveTask> | undefined;
  readonly #held = new Map<string, Set<string>>();
  /** Blocked tasks by what they wait for, in order of submission. */
  readonly #dependents = new Map<string, IndexedHeap<BlockedTask>>();

  /** Those that are banned from the whole system: one map for all pools of the shard. */
  readonly #bans: ReadonlyMap<string, Ban>;

  constructor(doc: Pool, sequence: number, bans: ReadonlyMap<string, Ban>, ofShard: ShardUsage) {
    this.doc = doc;
    this.sequence = sequence;
    this.#bans = bans;
    this.usage = new Usage(ofShard);
    this.#lookForEnding();
  }

  /**
   * Whether claims are given out at all: not while operators have paused the pool. Auctions of tasks that close meanwhile,
   * and tasks that a winner gives back, wait for the end of the pause. In a closed pool nothing waits any more.
   */
  get handsOut(): boolean {
    return this.doc.pausedAt === undefined || this.doc.state === 'closed';
  }

  putDoc(after: Pool): void {
    const before = this.handsOut;
    this.doc = after;
    this.#lookForEnding();
    if (this.handsOut === before) return;
    for (const auction of this.auctions.ofTasks()) {
      this.#scheduleEntity('auction', auction.id, auction);
      this.#lookAtAuction(auction.id, auction);
    }
  }

  /** Of the tasks that nobody holds in a closed pool, and that end with it, the one that was submitted first. */
  firstEnding(): LiveTask | undefined {
    return this.#ending?.peek();
  }

  /** Only where a pool is closed its tasks are gone through; there each comes in once. */
  #lookForEnding(): void {
    if ((this.doc.state === 'closed') === (this.#ending !== undefined)) return;
    if (this.doc.state === 'open') {
      this.#ending = undefined;
      return;
    }
    this.#ending = new IndexedHeap<LiveTask>(submittedBefore);
    for (const task of this.tasks.values()) if (isUnheld(task)) this.#ending.set(task.taskId, task);
  }

  /** Nothing of the agent is accepted here: its operators, or those of the whole system, have banned it. */
  isBanned(agent: string): boolean {
    return this.doc.banned?.includes(agent) === true || this.#bans.has(agent);
  }

  /** The claims of an agent, in order of submission of their tasks. */
  heldBy(agent: string): ClaimedTask[] {
    const held: ClaimedTask[] = [];
    for (const taskId of this.#held.get(agent) ?? []) {
      const task = this.tasks.get(taskId);
      if (task !== undefined && isClaimed(task)) held.push(task);
    }
    return held.sort((a, b) => a.order - b.order);
  }

  heldCount(agent: string): number {
    return this.#held.get(agent)?.size ?? 0;
  }

  /** Of the blocked tasks that wait for this one, the one that was submitted first. */
  firstDependentOf(taskId: string): BlockedTask | undefined {
    return this.#dependents.get(taskId)?.peek();
  }

  /** Something follows from what is here that has not been told. */
  get owes(): boolean {
    const isEnding = (this.#ending?.size ?? 0) > 0;
    return isEnding || this.unsettled.size > 0 || this.auctions.hasUntold || this.delegations.hasLeftOver;
  }

  putMember(agent: string, after: Member | undefined): Member | undefined {
    const before = this.members.get(agent);
    if (after === undefined) this.members.delete(agent);
    else this.members.set(agent, after);
    this.usage.putMember(before, after);
    const at = presenceEnds(after);
    if (at === undefined) this.due.delete(`m/${agent}`);
    else this.due.set(`m/${agent}`, { at, kind: 'member', id: agent });
    return before;
  }

  putTask(taskId: string, after: Task | undefined): Task | undefined {
    const before = this.tasks.get(taskId);
    const { bytes } = this.pending;
    if (before !== undefined) this.#unindex(before);
    if (after === undefined) this.tasks.delete(taskId);
    else {
      this.tasks.set(taskId, after);
      this.#index(after);
    }
    this.usage.putTask(before, after);
    this.usage.putShared(this.pending.bytes - bytes);
    this.#scheduleTask(taskId, after);
    this.#lookAtDependents(taskId);
    const auction = this.auctions.ofTask(taskId);
    if (auction !== undefined) this.#lookAtAuction(auction.id, auction);
    return before;
  }

  putEntity(kind: EntityKind, id: string, after: Entity | undefined): Entity | undefined {
    const before = this.entities[kind].get(id);
    if (before !== undefined && before.finishedAt === undefined) this.liveEntities--;
    this.usage.putEntity(before, after);
    if (after === undefined) this.entities[kind].delete(id);
    else this.#keepEntity(after);
    if (kind === 'auction') this.#putAuction(id, after?.kind === 'auction' ? after : undefined);
    if (kind === 'vote') this.votes.put(id, after?.kind === 'vote' ? after : undefined);
    if (kind === 'delegation') this.delegations.put(id, after?.kind === 'delegation' ? after : undefined);
    this.#scheduleEntity(kind, id, after);
    return before;
  }

  #putAuction(id: string, after: Auction | undefined): void {
    this.auctions.put(id, after);
    this.#lookAtAuction(id, after);
  }

  #lookAtAuction(id: string, auction: Auction | undefined): void {
    this.auctions.look(
      id,
      auction?.taskId === undefined ? undefined : this.tasks.get(auction.taskId),
      this.handsOut,
    );
  }

  #scheduleEntity(kind: EntityKind, id: string, after: Entity | undefined): void {
    const ref = entityRef(kind, id);
    const at = after === undefined || after.finishedAt !== undefined ? undefined : this.#entityDue(after);
    if (at === undefined) this.due.delete(`e/${ref}`);
    else this.due.set(`e/${ref}`, { at, kind: 'entity', id: ref });
  }

  /** Where nothing is handed out, an auction with a task does not close. */
  #entityDue(entity: Entity): number | undefined {
    const waits = entity.kind === 'auction' && entity.taskId !== undefined && !this.handsOut;
    return waits ? undefined : entity.dueAt;
  }

  #keepEntity(entity: Entity): void {
    if (entity.finishedAt === undefined) this.liveEntities++;
    switch (entity.kind) {
      case 'auction':
        this.entities.auction.set(entity.id, entity);
        return;
      case 'vote':
        this.entities.vote.set(entity.id, entity);
        return;
      case 'negotiation':
        this.entities.negotiation.set(entity.id, entity);
        return;
      case 'delegation':
        this.entities.delegation.set(entity.id, entity);
        return;
    }
  }

  /** Ended entities need not stay in memory once they are stored. */
  forgetEntity(kind: EntityKind, id: string): void {
    if (this.entities[kind].get(id)?.finishedAt !== undefined) this.entities[kind].delete(id);
  }

  /** Final tasks that nobody waits for need not stay in memory once they are stored. */
  forget(taskId: string): void {
    const task = this.tasks.get(taskId);
    if (task === undefined || !isFinal(task) || this.#dependents.has(taskId)) return;
    this.tasks.delete(taskId);
  }

  /**
   * Plans what retention will remove: the oldest final tasks, and a closed pool that holds nothing any more. Final
   * tasks may stay a little longer than they must, so that one sweep removes many instead of each a few.
   */
  scheduleRetention(settings: Settings): void {
    this.#scheduleKept('r/', 'retention', this.finals, settings);
    this.#scheduleKept('q/', 'entity-retention', this.ended, settings);
    const { closedAt, pool } = this.doc;
    // Delegations bind nobody to a pool in which nothing is left to decide: they end with it.
    const live = this.liveTasks + this.liveEntities - this.delegations.size;
    const kept = this.finals.count + this.ended.count + live;
    if (closedAt === undefined || kept > 0) this.due.delete('x/');
    else this.due.set('x/', { at: closedAt + settings.finalRetentionMs, kind: 'removal', id: pool });
  }

  #scheduleKept(
    key: string,
    kind: 'retention' | 'entity-retention',
    { count, oldestAt }: FinalTasks,
    { finalRetentionMs, finalRetentionCount }: Settings,
  ): void {
    if (oldestAt === undefined) {
      this.due.delete(key);
      return;
    }
    const slackMs = Math.min(MINUTE_MS, Math.ceil(finalRetentionMs / 10));
    const at = count > finalRetentionCount ? oldestAt : oldestAt + finalRetentionMs + slackMs;
    if (this.due.get(key)?.at === at) return;
    this.due.set(key, { at, kind, id: this.doc.pool });
  }

  #index(task: Task): void {
    if (!isFinal(task)) this.liveTasks++;
    if (isUnheld(task)) this.#ending?.set(task.taskId, task);
    if (isClaimable(task)) this.pending.add(task);
    if (isClaimed(task)) {
      this.claims++;
      addTo(this.#held, task.claim.agent, task.taskId);
    }
    if (task.state === 'blocked') {
      for (const id of task.waitingFor) {
        this.#addDependent(id, task);
        this.#lookAtDependents(id);
      }
    }
  }

  #unindex(task: Task): void {
    if (!isFinal(task)) this.liveTasks--;
    this.#ending?.delete(task.taskId);
    if (isClaimable(task)) this.pending.remove(task);
    if (isClaimed(task)) {
      this.claims--;
      removeFrom(this.#held, task.claim.agent, task.taskId);
    }
    if (task.state === 'blocked') {
      for (const id of task.waitingFor) {
        this.#removeDependent(id, task);
        this.#lookAtDependents(id);
      }
    }
  }

  #addDependent(taskId: string, dependent: BlockedTask): void {
    const dependents = this.#dependents.get(taskId) ?? new IndexedHeap<BlockedTask>(submittedBefore);
    dependents.set(dependent.taskId, dependent);
    this.#dependents.set(taskId, dependents);
  }

  #removeDependent(taskId: string, dependent: BlockedTask): void {
    const dependents = this.#dependents.get(taskId);
    dependents?.delete(dependent.taskId);
    if (dependents?.size === 0) this.#dependents.delete(taskId);
  }

  #scheduleTask(taskId: string, task: Task | undefined): void {
    const at = task === undefined ? undefined : taskDue(task);
    if (at === undefined) this.due.delete(`t/${taskId}`);
    else this.due.set(`t/${taskId}`, { at, kind: 'task', id: taskId });
  }

  #lookAtDependents(taskId: string): void {
    const task = this.tasks.get(taskId);
    const isUnsettled = this.#dependents.has(taskId) && task !== undefined && isFinal(task);
    if (!isUnsettled) this.unsettled.delete(taskId);
    else if (this.unsettled.get(taskId) !== task) this.unsettled.set(taskId, task);
  }
}

/** Total: of tasks that ended in the same millisecond it goes by their ids. */
export function endedBefore(a: FinalTask, b: FinalTask): boolean {
  return a.finishedAt !== b.finishedAt ? a.finishedAt < b.finishedAt : a.taskId < b.taskId;
}

function isUnheld(task: Task): task is Exclude<LiveTask, ClaimedTask> {
  return !isFinal(task) && !isClaimed(task);
}

function submittedBefore(a: Task, b: Task): boolean {
  return a.order < b.order;
}

/** Total: no two things due have the same time, kind and id. */
function dueBefore(a: Due, b: Due): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.kind !== b.kind) return a.kind < b.kind;
  return a.id < b.id;
}

/** When time next changes a task; undefined when it never does. */
export function taskDue(task: Task): number | undefined {
  if (isFinal(task)) return undefined;
  const deadline = task.deadline ?? Number.POSITIVE_INFINITY;
  const own = isClaimed(task)
    ? task.claim.expiresAt
    : task.state === 'scheduled'
      ? task.readyAt
      : Number.POSITIVE_INFINITY;
  const at = Math.min(deadline, own);
  return at === Number.POSITIVE_INFINITY ? undefined : at;
}
