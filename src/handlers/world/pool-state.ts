/**
 * One pool in memory: its documents, and what is derived from them so that no rule has to search. Everything here
 * but the documents themselves is a function of the documents, and is rebuilt by putting them in again.
 */
import type { Auction } from '../../protocol/auctions.ts';
import { changedId, type EntityChange } from '../../protocol/document-change.ts';
import {
  type Ban,
  type ClaimedTask,
  isClaimable,
  isClaimed,
  isFinal,
  type LiveTask,
  type Member,
  type Pool,
  presenceEnds,
  type Task,
} from '../../protocol/documents.ts';
import {
  type Entities,
  type Entity,
  type EntityKind,
  type EntityRef,
  entityRef,
  GROUPS,
  type Group,
  hasEnded,
  isOfKind,
  KINDS,
  NOTHING_RETAINED,
  ofGroups,
  type RetainedByGroup,
  refOf,
} from '../../protocol/entities.ts';
import { DEFAULT_HANDING_OVER, MAX_CLAIMS_PER_AGENT, MINUTE_MS } from '../../protocol/limits.ts';
import { endingClaim, type Fence, type Made } from '../../protocol/marks.ts';
import { endOfOffer, type Offer, offerKey } from '../../protocol/offers.ts';
import type { Settings } from '../../protocol/settings.ts';
import { LiveAuctions } from '../auctions/live-auctions.ts';
import { LiveDelegations } from '../delegations/live-delegations.ts';
import type { EntityMaps } from '../kernel/entities.ts';
import { StandingOffers } from '../offers/standing-offers.ts';
import { type ShardUsage, Usage } from '../quotas/usage.ts';
import { released } from '../tasks/evolve.ts';
import { OpenVotes } from '../votes/open-votes.ts';
import { ClaimableTasks } from './claimable-tasks.ts';
import { Dependents, submittedBefore } from './dependents.ts';
import { type Due, dueBefore, entityDue, retentionKey } from './due.ts';
import { addTo, removeFrom } from './id-sets.ts';
import { IndexedHeap } from './indexed-heap.ts';
import type { Marks } from './marks.ts';
import { type OpenedThing, openedThing } from './opened-work.ts';
import { VoidThings } from './void-things.ts';

/** What all pools of a shard look at. */
interface OfShard {
  readonly bans: ReadonlyMap<string, Ban>;
  readonly marks: Marks;
  readonly usage: ShardUsage;
  readonly settings: () => Settings;
  /** Tasks of this pool may go to offers in it that could not have them before. */
  readonly onStir: (pool: string) => void;
}

export class PoolState {
  doc: Pool;
  /** Number of the pool's latest event. */
  sequence: number;
  /** Ended entities leave the memory; retention needs their number in the store, and the oldest. */
  retained: RetainedByGroup = NOTHING_RETAINED;
  /** Entities that have not ended. */
  readonly live = ofGroups(() => 0);
  /** Tasks that someone holds; without claims that are void. */
  claims = 0;
  /** Those of them that were handed over and not begun. */
  unstarted = 0;
  /** What fences void and has not been told: it counts nowhere else, and a task with a void claim stands as pending. */
  readonly void = new VoidThings();
  readonly usage: Usage;
  readonly entities: EntityMaps = {
    task: new Map(),
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
  readonly pending = new ClaimableTasks();
  readonly offers: StandingOffers;
  readonly due = new IndexedHeap<Due>(dueBefore);
  /** Blocked tasks, by what they wait for. */
  readonly dependents = new Dependents(this.entities.task);
  /** Of a closed pool: unfinished tasks that nobody holds. */
  #ending: IndexedHeap<LiveTask> | undefined;
  /** Tasks by who has claimed them, void claims among them. */
  readonly #held = new Map<string, Set<string>>();

  /** Those that are banned from the whole system: one map for all pools of the shard. */
  readonly #bans: ReadonlyMap<string, Ban>;

  readonly #marks: Marks;

  readonly #settings: () => Settings;

  constructor(doc: Pool, sequence: number, { bans, marks, usage, settings, onStir }: OfShard) {
    this.doc = doc;
    this.sequence = sequence;
    this.#bans = bans;
    this.#marks = marks;
    this.#settings = settings;
    this.usage = new Usage(usage);
    this.offers = new StandingOffers(() => onStir(doc.pool));
    this.#lookForEnding();
  }

  /**
   * Whether claims are given out at all: not while operators have paused the pool. Auctions of tasks that close meanwhile,
   * and tasks that a winner gives back, wait for the end of the pause. In a closed pool nothing waits any more.
   */
  get handsOut(): boolean {
    return this.doc.pausedAt === undefined || this.doc.state === 'closed';
  }

  /** Whether a task may be handed over to an offer at present, if one fits. What is over and not told counts as it stands. */
  get handsOver(): boolean {
    const { state, pausedAt, quotas, maxUnstarted = DEFAULT_HANDING_OVER.maxUnstarted } = this.doc;
    if (state === 'closed' || pausedAt !== undefined || this.unstarted >= maxUnstarted) return false;
    const { poolClaims } = this.#settings();
    return this.claims < Math.min(poolClaims, quotas?.poolClaims ?? poolClaims);
  }

  /** The most claims that one agent may hold before nothing is handed over to it. */
  get #mostClaims(): number {
    const { maxClaimsPerAgent = MAX_CLAIMS_PER_AGENT, quotas } = this.doc;
    const { agentClaims } = this.#settings();
    return Math.min(maxClaimsPerAgent, MAX_CLAIMS_PER_AGENT, agentClaims, quotas?.agentClaims ?? agentClaims);
  }

  putDoc(after: Pool): void {
    const before = this.handsOut;
    this.doc = after;
    this.#lookForEnding();
    this.lookAtLimits();
    if (this.handsOut === before) return;
    for (const auction of this.auctions.ofTasks()) {
      this.#schedule('auction', auction.id, auction);
      this.#lookAtAuction(auction.id, auction);
    }
  }

  /** Those of the pool or of the system may have changed. */
  lookAtLimits(): void {
    const most = this.#mostClaims;
    if (this.#limit !== most) {
      this.#limit = most;
      for (const agent of this.offers.agents()) this.#lookAtOffersOf(agent);
    }
    this.lookAtGate();
  }

  #limit: number | undefined;

  /** Whether anything may be handed over may have changed. */
  lookAtGate(): void {
    this.offers.isBlocked = !this.handsOver;
  }

  #lookAtOffersOf(agent: string): void {
    if (!this.offers.has(agent)) return;
    this.offers.look(agent, {
      capabilities: this.members.get(agent)?.capabilities ?? NO_CAPABILITIES,
      isVoid: (offer) => this.fenceOfOffer(offer) !== undefined,
      held: this.heldCount(agent),
      most: this.#mostClaims,
    });
  }

  fenceOfOffer({ agent, order, madeAt }: Offer): Fence | undefined {
    return this.#marks.isEmpty ? undefined : this.fenceOf(agent, { order, at: madeAt });
  }

  putOffer(key: string, after: Offer | undefined): void {
    const { bytes } = this.offers;
    const before = this.offers.byKey(key);
    const agent = (after ?? before)?.agent;
    if (agent === undefined) return;
    const stood = this.offers.has(agent);
    this.offers.put(key, after);
    if (this.offers.has(agent) !== stood) this.usage.putStandingBy(agent, !stood);
    this.usage.putOffer(before, after);
    if (after === undefined) this.due.delete(`o/${key}`);
    else this.due.set(`o/${key}`, { at: endOfOffer(after).at, what: 'offer', id: key });
    if (before !== undefined && after === undefined) this.void.delete({ kind: 'offer', agent, id: key });
    if (after !== undefined) this.#lookAtVoidOffer(after);
    this.#lookAtOffersOf(agent);
    this.usage.putShared(this.offers.bytes - bytes);
    this.#lookAtAgent(agent);
  }

  #lookAtVoidOffer(offer: Offer): void {
    const { agent, order } = offer;
    const fence = this.fenceOfOffer(offer);
    const thing = { kind: 'offer', agent, id: offerKey(offer), order } as const;
    if (fence === undefined) this.void.delete(thing);
    else this.void.put({ ...thing, fence });
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
    for (const task of this.entities.task.values()) if (isUnheld(task)) this.#ending.set(task.taskId, task);
  }

  /** Nothing of the agent is accepted here: its operators, or those of the whole system, have banned it. */
  isBanned(agent: string): boolean {
    return this.doc.banned?.includes(agent) === true || this.#bans.has(agent);
  }

  /** The claims of an agent that no fence voids, in order of submission of their tasks. */
  heldBy(agent: string): ClaimedTask[] {
    const held: ClaimedTask[] = [];
    for (const taskId of this.#held.get(agent) ?? []) {
      const task = this.entities.task.get(taskId);
      if (task !== undefined && isClaimed(task) && this.#voidingClaim(task) === undefined) held.push(task);
    }
    return held.sort((a, b) => a.order - b.order);
  }

  heldCount(agent: string): number {
    return (this.#held.get(agent)?.size ?? 0) - this.void.count(agent, 'claim');
  }

  /** The fence by which something that an agent made here is void, if any. */
  fenceOf(agent: string, made: Made): Fence | undefined {
    return this.#marks.covering(this.doc.pool, agent, made);
  }

  /** The membership of an agent, unless a fence voids it; it may have lapsed. */
  membership(agent: string): Member | undefined {
    const member = this.members.get(agent);
    return member === undefined || this.isVoidMember(member) ? undefined : member;
  }

  isVoidMember(member: Member): boolean {
    return this.#marks.isEmpty ? false : this.#voidingMember(member) !== undefined;
  }

  /** Memberships that no fence voids; those that lapsed are among them. */
  get memberCount(): number {
    return this.members.size - this.void.members;
  }

  /**
   * Takes the claims of an agent out of all that they stand in: before a fence of the agent comes or goes. What is answered
   * is for {@link relook}, after it.
   */
  unlook(agent: string): readonly ClaimedTask[] {
    const { bytes } = this.pending;
    const tasks = this.#claimedBy(agent);
    for (const task of tasks) this.#unindex(task);
    this.usage.putShared(this.pending.bytes - bytes);
    return tasks;
  }

  /** Looks again at everything that an agent has here. */
  relook(agent: string, tasks: readonly ClaimedTask[]): void {
    const bytes = this.pending.bytes + this.offers.bytes;
    for (const task of tasks) this.#index(task);
    for (const { taskId } of tasks) this.#lookAtAuctionOf(taskId);
    this.#lookAtMember(agent, this.members.get(agent));
    for (const offer of this.offers.of(agent)) this.#lookAtVoidOffer(offer);
    this.#lookAtOffersOf(agent);
    this.lookAtGate();
    this.usage.putShared(this.pending.bytes + this.offers.bytes - bytes);
    this.#lookAtAllOpenedBy(agent);
    this.#lookAtAgent(agent);
  }

  /** Only where work is to be cancelled all that there is is gone through; from there on each thing comes in once. */
  #lookAtAllOpenedBy(agent: string): void {
    const isCancelling = this.#marks.holdIn(this.doc.pool, agent).some(({ cancelsWork }) => cancelsWork);
    const kinds = ['member', 'offer', 'claim'] as const;
    const stays = kinds.reduce((sum, kind) => sum + this.void.count(agent, kind), 0);
    if (!isCancelling && this.void.count(agent) === stays) return;
    for (const entities of Object.values(this.entities)) {
      for (const each of entities.values()) {
        const thing = openedThing(each);
        if (thing?.agent === agent) this.#lookAtOpened(thing, thing);
      }
    }
  }

  #lookAtOpened(before: OpenedThing | undefined, after: OpenedThing | undefined): void {
    const thing = after ?? before;
    if (thing === undefined || (this.#marks.isEmpty && this.void.size === 0)) return;
    const fence = after && this.#marks.cancelling(this.doc.pool, after.agent, after);
    // What had reached its end by then ends as time ended it.
    if (fence === undefined || thing.endsAt <= fence.at) this.void.delete(thing);
    else this.void.put({ kind: thing.kind, agent: thing.agent, id: thing.id, order: thing.order, fence });
    this.#lookAtAgent(thing.agent);
  }

  #claimedBy(agent: string): ClaimedTask[] {
    const claimed: ClaimedTask[] = [];
    for (const taskId of this.#held.get(agent) ?? []) {
      const task = this.entities.task.get(taskId);
      if (task !== undefined && isClaimed(task)) claimed.push(task);
    }
    return claimed;
  }

  #voidingClaim({ claim }: ClaimedTask): Fence | undefined {
    return endingClaim(this.fenceOf(claim.agent, { order: claim.order, at: claim.claimedAt }), claim);
  }

  #voidingMember({ agent, order, joinedAt }: Member): Fence | undefined {
    return this.fenceOf(agent, { order, at: joinedAt });
  }

  /** A fence has ended its claim, and that has not been told. */
  isVoidClaim(task: Task): boolean {
    return isClaimed(task) && this.#voidingClaim(task) !== undefined;
  }

  /** How a task stands: where the claim is void it is pending, whether or not that has been told. */
  #asSeen(task: Task): Task {
    return isClaimed(task) && this.isVoidClaim(task) ? released(task) : task;
  }

  #lookAtClaim(task: ClaimedTask): void {
    const { taskId: id, order, claim } = task;
    const fence = this.#voidingClaim(task);
    const thing = { kind: 'claim', agent: claim.agent, id, order } as const;
    if (fence === undefined) this.void.delete(thing);
    else this.void.put({ ...thing, fence });
  }

  #lookAtMember(agent: string, member: Member | undefined): void {
    const fence = member && this.#voidingMember(member);
    const thing = { kind: 'member', agent, id: agent, order: 0 } as const;
    if (fence === undefined) this.void.delete(thing);
    else this.void.put({ ...thing, fence });
  }

  /** Tells where the agent has anything. */
  #lookAtAgent(agent: string): void {
    const has = this.members.has(agent) || this.#held.has(agent) || this.offers.has(agent);
    this.#marks.look(this.doc.pool, agent, has, this.void.count(agent) > 0);
  }

  /** Something follows from what is here that has not been told. */
  get owes(): boolean {
    if (this.offers.isDue === true || this.offers.firstFailing !== undefined) return true;
    const isEnding = (this.#ending?.size ?? 0) > 0 || this.void.size > 0;
    return (
      isEnding ||
      this.dependents.unsettled.size > 0 ||
      this.auctions.hasUntold ||
      this.delegations.hasLeftOver
    );
  }

  putMember(agent: string, after: Member | undefined): Member | undefined {
    const before = this.members.get(agent);
    if (after === undefined) this.members.delete(agent);
    else this.members.set(agent, after);
    this.usage.putMember(before, after);
    const at = presenceEnds(after);
    if (at === undefined) this.due.delete(`m/${agent}`);
    else this.due.set(`m/${agent}`, { at, what: 'member', id: agent });
    this.#lookAtMember(agent, after);
    if (before?.capabilities !== after?.capabilities) {
      const { bytes } = this.offers;
      this.#lookAtOffersOf(agent);
      this.usage.putShared(this.offers.bytes - bytes);
    }
    this.#lookAtAgent(agent);
    return before;
  }

  putEntity(change: EntityChange, side: 'before' | 'after'): void {
    this.#putAs(change.kind, changedId(change), change[side]);
  }

  loadEntity(entity: Entity): void {
    const { kind, id } = refOf(entity);
    this.#putAs(kind, id, entity);
  }

  #putAs<K extends EntityKind>(kind: K, id: string, after: Entity | undefined): void {
    if (after === undefined || isOfKind(kind, after)) this.#put(kind, id, after);
  }

  #put<K extends EntityKind>(kind: K, id: string, after: Entities[K] | undefined): void {
    const entities: Map<string, Entities[K]> = this.entities[kind];
    const before = entities.get(id);
    if (after === undefined) entities.delete(id);
    else entities.set(id, after);
    this.live[KINDS[kind].group] += (isLive(after) ? 1 : 0) - (isLive(before) ? 1 : 0);
    this.usage.putEntity(before, after);
    this.#beside[kind](id, before, after);
    this.#schedule(kind, id, after);
    this.#lookAtOpened(openedThing(before), openedThing(after));
  }

  /** What is special to each kind. */
  readonly #beside: {
    readonly [K in EntityKind]: (
      id: string,
      before: Entities[K] | undefined,
      after: Entities[K] | undefined,
    ) => void;
  } = {
    task: (id, before, after) => this.#putTask(id, before, after),
    auction: (id, _, after) => {
      this.auctions.put(id, after);
      this.#lookAtAuction(id, after);
    },
    vote: (id, _, after) => this.votes.put(id, after),
    negotiation: () => undefined,
    delegation: (id, _, after) => this.delegations.put(id, after),
  };

  #putTask(taskId: string, before: Task | undefined, after: Task | undefined): void {
    const { bytes } = this.pending;
    if (before !== undefined) this.#unindex(before);
    if (after !== undefined) this.#index(after);
    this.usage.putShared(this.pending.bytes - bytes);
    this.dependents.look(taskId);
    this.#lookAtAuctionOf(taskId);
    if (before !== undefined && isClaimed(before)) this.#lookAtHolder(before.claim.agent);
    if (after !== undefined && isClaimed(after)) this.#lookAtHolder(after.claim.agent);
    this.lookAtGate();
  }

  #lookAtHolder(agent: string): void {
    this.#lookAtAgent(agent);
    this.#lookAtOffersOf(agent);
  }

  #lookAtAuctionOf(taskId: string): void {
    const auction = this.auctions.ofTask(taskId);
    if (auction !== undefined) this.#lookAtAuction(auction.id, auction);
  }

  #lookAtAuction(id: string, auction: Auction | undefined): void {
    const task = auction?.taskId === undefined ? undefined : this.entities.task.get(auction.taskId);
    this.auctions.look(id, task && this.#asSeen(task), this.handsOut);
  }

  #schedule(kind: EntityKind, id: string, after: Entity | undefined): void {
    const key = `e/${entityRef(kind, id)}`;
    const at = this.#waits(after) ? undefined : entityDue(after);
    if (at === undefined) this.due.delete(key);
    else this.due.set(key, { at, what: 'entity', kind, id });
  }

  /** Where nothing is handed out, an auction with a task does not close. */
  #waits(entity: Entity | undefined): boolean {
    if (entity === undefined || !isOfKind('auction', entity)) return false;
    return entity.taskId !== undefined && !this.handsOut;
  }

  /** What has ended need not stay in memory once it is stored, unless `still-named.ts` says so. */
  forget({ kind, id }: EntityRef): void {
    if (kind === 'task' && (this.dependents.has(id) || this.auctions.ofTask(id)?.state === 'open')) return;
    if (kind === 'delegation' && this.delegations.hasChildren(id)) return;
    if (hasEnded(this.entities[kind].get(id))) this.entities[kind].delete(id);
  }

  /**
   * Plans what retention will remove: the oldest final tasks, and a closed pool that holds nothing any more. Final
   * tasks may stay a little longer than they must, so that one sweep removes many instead of each a few.
   */
  scheduleRetention(settings: Settings): void {
    for (const group of GROUPS) this.#scheduleKept(group, settings);
    const { closedAt, pool } = this.doc;
    // Delegations bind nobody to a pool in which nothing is left to decide: they end with it.
    const live = this.live.tasks + this.live.collective - this.delegations.size;
    const kept = this.retained.tasks.count + this.retained.collective.count + live;
    if (closedAt === undefined || kept > 0) this.due.delete('x/');
    else this.due.set('x/', { at: closedAt + settings.finalRetentionMs, what: 'removal', id: pool });
  }

  #scheduleKept(group: Group, { finalRetentionMs, finalRetentionCount }: Settings): void {
    const { count, oldestAt } = this.retained[group];
    const key = retentionKey(group);
    if (oldestAt === undefined) {
      this.due.delete(key);
      return;
    }
    const slackMs = Math.min(MINUTE_MS, Math.ceil(finalRetentionMs / 10));
    const at = count > finalRetentionCount ? oldestAt : oldestAt + finalRetentionMs + slackMs;
    if (this.due.get(key)?.at === at) return;
    this.due.set(key, { at, what: 'retention', group, id: this.doc.pool });
  }

  #index(task: Task): void {
    const seen = this.#asSeen(task);
    if (isUnheld(task)) this.#ending?.set(task.taskId, task);
    if (isClaimable(seen)) {
      this.pending.add(seen, seen === task);
      this.offers.stirTasks(seen);
    }
    if (isClaimed(seen)) this.claims++;
    if (isUnstarted(seen)) this.unstarted++;
    if (isClaimed(task)) {
      addTo(this.#held, task.claim.agent, task.taskId);
      this.#lookAtClaim(task);
    }
    if (task.state === 'blocked') this.dependents.add(task);
  }

  #unindex(task: Task): void {
    const seen = this.#asSeen(task);
    this.#ending?.delete(task.taskId);
    if (isClaimable(seen)) this.pending.remove(seen, seen === task);
    if (isClaimed(seen)) this.claims--;
    if (isUnstarted(seen)) this.unstarted--;
    if (isClaimed(task)) {
      this.void.delete({ kind: 'claim', agent: task.claim.agent, id: task.taskId });
      removeFrom(this.#held, task.claim.agent, task.taskId);
    }
    if (task.state === 'blocked') this.dependents.remove(task);
  }
}

function isLive(entity: Entity | undefined): boolean {
  return entity !== undefined && !hasEnded(entity);
}

const NO_CAPABILITIES: readonly string[] = [];

function isUnstarted(task: Task): boolean {
  return isClaimed(task) && task.claim.unstarted === true;
}

function isUnheld(task: Task): task is Exclude<LiveTask, ClaimedTask> {
  return !isFinal(task) && !isClaimed(task);
}
