/**
 * All events, as the handlers create them. The data of an event holds everything that `evolve` needs, and is published as it
 * is: a subscriber can know everything that the system knows of it.
 */
import type { Constraints } from '../../protocol/decisions/constraints.ts';
import type {
  Admission,
  CancelCause,
  FailureCause,
  Origin,
  Requirements,
  TaskConstraints,
} from '../../protocol/documents.ts';
import type { Json } from '../../protocol/json.ts';
import type { PoolQuotas } from '../../protocol/quotas.ts';
import type { AuctionEvent } from '../auctions/events.ts';
import type { DelegationEvent } from '../delegations/events.ts';
import type { NegotiationEvent } from '../negotiations/events.ts';
import type { OfferEvent } from '../offers/events.ts';
import type { VoteEvent } from '../votes/events.ts';
import type { Happened } from './happened.ts';

export interface PoolCreatedData {
  readonly owner: string;
  readonly topics: readonly string[];
  readonly admission: Admission;
  readonly capacity?: number;
  readonly submitters: 'anyone' | 'members';
  readonly defaults: Constraints;
  readonly maxClaimsPerAgent?: number;
  readonly startWithinMs?: number;
  readonly maxUnstarted?: number;
  readonly operators?: readonly string[];
  readonly quotas?: PoolQuotas;
  readonly origin: Origin;
}

/** The new values; omitted ones do not change. `null` removes a limit. */
export interface PoolUpdatedData
  extends Partial<Omit<PoolCreatedData, 'origin' | 'capacity' | 'maxClaimsPerAgent'>> {
  readonly capacity?: number | null;
  readonly maxClaimsPerAgent?: number | null;
}

export type PoolEvent =
  | Happened<'pool.created', PoolCreatedData>
  | Happened<'pool.closed', Record<string, never>>
  | Happened<'pool.updated', PoolUpdatedData>
  | Happened<'pool.paused', { readonly reason?: string }>
  | Happened<'pool.resumed', Record<string, never>>
  /** `everywhere`: from the whole system. Told in `commons`, which keeps no list of those. */
  | Happened<'agent.banned', { readonly reason?: string; readonly everywhere?: true }>
  | Happened<'agent.unbanned', { readonly everywhere?: true }>
  | Happened<'pool.removed', Record<string, never>>;

export interface MembershipData {
  readonly capabilities: readonly string[];
  readonly presenceMs?: number;
}

export type MemberEvent =
  | Happened<'member.joined', MembershipData>
  | Happened<'member.updated', MembershipData>
  | Happened<'member.left', Record<string, never>>
  /** An operator's doing. */
  | Happened<'member.removed', { readonly why: 'removed' | 'banned'; readonly reason?: string }>
  | Happened<'member.expired', { readonly lastSeenAt: number }>;

export interface TaskSubmittedData {
  readonly objective: string;
  readonly inputs?: Json | undefined;
  readonly evaluator?: Json | undefined;
  readonly topic?: string | undefined;
  readonly requiredCapabilities: Requirements;
  readonly priority: number;
  readonly notBefore?: number | undefined;
  readonly deadline?: number | undefined;
  readonly dependsOn: readonly string[];
  readonly waitingFor: readonly string[];
  readonly constraints: TaskConstraints;
  readonly submitter: string;
  readonly order: number;
  readonly state: 'blocked' | 'scheduled' | 'pending';
  readonly origin: Origin;
}

/**
 * `forced`, `removed` and `banned` are operators' doings; `not_started`: it was handed over, and its agent did not begin in time;
 * `taken_up`: the holder claims it again under a new epoch. The others are the holder's own.
 */
export type ReleaseCause =
  | 'released'
  | 'left'
  | 'absent'
  | 'forced'
  | 'removed'
  | 'banned'
  | 'not_started'
  | 'taken_up';

/** The claim that an event ends or changes. */
interface OfClaim {
  readonly agent: string;
  readonly epoch: number;
}

export type TaskEvent =
  | Happened<'task.submitted', TaskSubmittedData>
  /** One of several dependencies completed. Kept to ourselves: to subscribers nothing has changed yet. */
  | Happened<'task.dependency_completed', { readonly dependency: string }>
  /** An auction has reserved a pending task, or released it. Not published: the events of the auction say so. */
  | Happened<'task.reserved', { readonly auction: string }>
  | Happened<'task.unreserved', Record<string, never>>
  /** The last dependency completed, or the time came; `state` is the one that follows. */
  | Happened<'task.unblocked', { readonly state: 'scheduled' | 'pending' }>
  /** `offer`: the claim was handed over to this standing offer of its agent. The `actor` is the agent whose decision made it possible. */
  | Happened<
      'task.claimed',
      OfClaim & { readonly expiresAt: number; readonly ttlMs: number; readonly offer?: string }
    >
  | Happened<
      'task.renewed',
      OfClaim & { readonly expiresAt: number; readonly progress?: number | undefined; readonly note?: string }
    >
  /** Of one that was not begun: how often in a row that is, and that it will not be handed over any more. */
  | Happened<
      'task.released',
      OfClaim & {
        readonly why: ReleaseCause;
        readonly reason?: string;
        readonly unstarted?: number;
        readonly handOver?: false;
      }
    >
  | Happened<'task.expired', OfClaim & { readonly expiries: number }>
  | Happened<
      'task.retried',
      OfClaim & { readonly reason: string; readonly failures: number; readonly readyAt: number }
    >
  | Happened<'task.completed', OfClaim & { readonly result: Json }>
  | Happened<
      'task.failed',
      {
        readonly cause: FailureCause;
        readonly reason?: string | undefined;
        readonly by: string;
      } & Partial<OfClaim>
    >
  | Happened<
      'task.cancelled',
      {
        readonly cause: CancelCause;
        readonly reason?: string | undefined;
        readonly by: string;
      } & Partial<OfClaim>
    >
  | Happened<'task.removed', Record<string, never>>;

export type DomainEvent =
  | PoolEvent
  | MemberEvent
  | TaskEvent
  | AuctionEvent
  | VoteEvent
  | NegotiationEvent
  | DelegationEvent
  | OfferEvent;
export type EventType = DomainEvent['type'];

export function isTaskEvent(event: DomainEvent): event is TaskEvent {
  return event.type.startsWith('task.');
}

export function isMemberEvent(event: DomainEvent): event is MemberEvent {
  return event.type.startsWith('member.');
}

export function isOfferEvent(event: DomainEvent): event is OfferEvent {
  return event.type.startsWith('offer.');
}

export function isAuctionEvent(event: DomainEvent): event is AuctionEvent {
  return event.type.startsWith('auction.');
}

const INTERNAL: ReadonlySet<EventType> = new Set([
  'task.dependency_completed',
  'task.reserved',
  'task.unreserved',
  'auction.settled',
  'offer.removed',
]);

/** Events that change state but are not published. */
export function isInternal(event: DomainEvent): boolean {
  return INTERNAL.has(event.type);
}
