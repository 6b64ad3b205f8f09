/**
 * The documents that the system stores and queries return: pools, members, tasks. A task is a union of its states, each with
 * just the fields that exist in it. Times are milliseconds since the epoch.
 */
import type { Constraints } from './decisions/constraints.ts';
import type { Json } from './json.ts';
import type { Cause } from './marks.ts';
import { COMMONS, SYSTEM } from './names.ts';
import type { PoolQuotas } from './quotas.ts';

/** Who may join a pool: everyone, the agents of a list, or anyone who shows the token of which the pool keeps the hash. */
export type Admission =
  | { readonly kind: 'open' }
  | { readonly kind: 'allowlist'; readonly agents: readonly string[] }
  | { readonly kind: 'token'; readonly sha256: string };

/** Which decision made a thing: its outcome is kept for as long as the thing is. */
export interface Origin {
  readonly agent: string;
  readonly decisionId: string;
}

/** A group of agents with its tasks and its rules. Times are milliseconds since the epoch. */
export interface Pool {
  readonly pool: string;
  readonly owner: string;
  readonly state: 'open' | 'closed';
  readonly topics: readonly string[];
  readonly admission: Admission;
  readonly capacity?: number;
  readonly submitters: 'anyone' | 'members';
  readonly defaults: Constraints;
  readonly maxClaimsPerAgent?: number;
  /** How long an agent has to begin what it was handed; absent: 10 s. */
  readonly startWithinMs?: number;
  /** How many claims may be handed over and not begun at one time; absent: 4,096. */
  readonly maxUnstarted?: number;
  /** Agents that may decide what operators do, besides the owner. */
  readonly operators?: readonly string[];
  readonly quotas?: PoolQuotas;
  /** Since when it is paused; absent when it is not. */
  readonly pausedAt?: number;
  /** Agents of which nothing is accepted in this pool, in the order in which they were banned; absent when none is. */
  readonly banned?: readonly string[];
  readonly createdAt: number;
  readonly closedAt?: number;
  /** What closed it, or let it go on after a pause. */
  readonly because?: Cause;
  readonly origin: Origin;
}

/** An agent of which nothing is accepted in any pool of a shard. */
export interface Ban {
  readonly agent: string;
  /** Log time. */
  readonly at: number;
  readonly reason?: string | undefined;
}

/** `commons` before anyone changed anything about it: it exists without having been created. */
export const COMMONS_POOL: Pool = {
  pool: COMMONS,
  owner: SYSTEM,
  state: 'open',
  topics: [],
  admission: { kind: 'open' },
  submitters: 'anyone',
  defaults: {},
  createdAt: 0,
  origin: { agent: SYSTEM, decisionId: 'genesis' },
};

/** An agent in a pool. Times are milliseconds since the epoch. */
export interface Member {
  readonly pool: string;
  readonly agent: string;
  readonly capabilities: readonly string[];
  readonly joinedAt: number;
  /** Place of the joining in the order of the log. */
  readonly order: number;
  /** The member is removed when nothing was heard from it for so long. */
  readonly presenceMs?: number;
  /** Log time of its last decision; kept only for members with `presenceMs`. */
  readonly lastSeenAt?: number;
}

/** When the presence of a member lapses; undefined when it need not be heard from. */
export function presenceEnds(member: Member | undefined): number | undefined {
  if (member?.presenceMs === undefined || member.lastSeenAt === undefined) return undefined;
  return member.lastSeenAt + member.presenceMs;
}

/** Who holds a task, and until when. Times are milliseconds since the epoch. */
export interface Claim {
  readonly agent: string;
  readonly epoch: number;
  readonly claimedAt: number;
  /** Place of the claiming in the order of the log. */
  readonly order: number;
  readonly expiresAt: number;
  readonly ttlMs: number;
  /** The standing offer to which it was handed over; absent where its agent asked for it, or won it. */
  readonly offer?: string;
  /** It was handed over, and nothing shows that its agent has begun. */
  readonly unstarted?: true;
}

/** Names of capabilities that a task needs: each entry one of several alternatives, sorted and without repeats. */
export type Requirements = readonly (readonly string[])[];

/** Constraints with every bound that the system enforces filled in. */
export interface TaskConstraints {
  readonly claimTtlMs: number;
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly maxExpiries: number;
  readonly maxUnstarted: number;
  readonly maxRunMs?: number;
  readonly [other: string]: string | number | boolean | undefined;
}

/** The fields that a task has in every state. */
export interface TaskCommon {
  readonly pool: string;
  readonly taskId: string;
  readonly objective: string;
  readonly inputs?: Json | undefined;
  readonly evaluator?: Json | undefined;
  readonly topic?: string | undefined;
  readonly requiredCapabilities: Requirements;
  readonly priority: number;
  readonly notBefore?: number | undefined;
  readonly deadline?: number | undefined;
  readonly dependsOn: readonly string[];
  readonly constraints: TaskConstraints;
  readonly submitter: string;
  readonly submittedAt: number;
  /** Place in the order of submission: rises with the log. */
  readonly order: number;
  /** Number of the latest claim; 0 before the first. */
  readonly epoch: number;
  /** Failures so far, and claims that expired so far. */
  readonly failures: number;
  readonly expiries: number;
  /** How often in a row it was handed over and not begun; absent: never. */
  readonly unstarted?: number | undefined;
  /** It was handed over in vain as often as its constraints allow: only who asks for it gets it. */
  readonly handOver?: false | undefined;
  /**
   * The auction that gives the task away: nobody else can claim it. Gone once a winner has started on the task, and
   * when the task or the auction has come to nothing.
   */
  readonly auction?: string | undefined;
  /** What ended it or gave it back, as long as something follows from that. */
  readonly because?: Cause | undefined;
  readonly origin: Origin;
}

/** Fields that a task has in some of its states only. */
interface OfSomeStates {
  /** Dependencies that have not completed yet. */
  readonly waitingFor: readonly string[];
  /** When it becomes pending: `notBefore`, or the end of a backoff. */
  readonly readyAt: number;
  readonly claim: Claim;
  readonly progress: number;
  readonly note: string | undefined;
  readonly finishedAt: number;
  /** Whose word or whose lapse ended it; `_system` where time did. */
  readonly finishedBy: string;
  readonly result: Json;
  /** Why a task failed or was cancelled: see {@link FailureCause} and {@link CancelCause}. */
  readonly cause: FailureCause | CancelCause;
  readonly reason: string | undefined;
}

/**
 * A state with just its fields. The others may be named, as undefined: objects of one shape are twenty times cheaper
 * to make than such that are put together field by field.
 */
type InState<State extends string, Fields extends object> = TaskCommon & {
  readonly state: State;
} & Fields & { readonly [Absent in Exclude<keyof OfSomeStates, keyof Fields>]?: undefined };

type Finished = Pick<OfSomeStates, 'finishedAt' | 'finishedBy'>;

export type BlockedTask = InState<'blocked', Pick<OfSomeStates, 'waitingFor'>>;
export type ScheduledTask = InState<'scheduled', Pick<OfSomeStates, 'readyAt'>>;
export type PendingTask = InState<'pending', object>;
/** No auction gives it away. */
export type ClaimableTask = PendingTask & { readonly auction?: undefined };
export type AssignedTask = InState<'assigned', Pick<OfSomeStates, 'claim'>>;
export type RunningTask = InState<
  'running',
  Pick<OfSomeStates, 'claim' | 'progress'> & { readonly note?: string | undefined }
>;
export type CompletedTask = InState<'completed', Finished & Pick<OfSomeStates, 'result'>>;
export type FailedTask = InState<
  'failed',
  Finished & { readonly cause: FailureCause; readonly reason?: string | undefined }
>;
export type CancelledTask = InState<
  'cancelled',
  Finished & { readonly cause: CancelCause; readonly reason?: string | undefined }
>;

/** `failed`: an agent said so; `abandoned`: too many claims expired. */
export type FailureCause = 'failed' | 'abandoned' | 'deadline_passed';
/** `cancelled`: someone said so; `pool_closed`: nobody held it when its pool was closed, or nobody holds it any more. */
export type CancelCause = 'cancelled' | 'dependency_failed' | 'pool_closed';
/** A task that an agent holds: assigned, or running once its holder has begun. */
export type ClaimedTask = AssignedTask | RunningTask;
export type WaitingTask = BlockedTask | ScheduledTask | PendingTask;
/** A task that has not ended. */
export type LiveTask = WaitingTask | ClaimedTask;
/** A task that has ended: completed, failed or cancelled. */
export type FinalTask = CompletedTask | FailedTask | CancelledTask;
/** A task with just the fields of its state. Times are milliseconds since the epoch. */
export type Task = LiveTask | FinalTask;
/** How far a task is. */
export type TaskState = Task['state'];

/** States in which a task still waits or is being done. */
export const LIVE_STATES = ['blocked', 'scheduled', 'pending', 'assigned', 'running'] as const;
/** States that a task does not leave any more. */
export const FINAL_STATES = ['completed', 'failed', 'cancelled'] as const;
/** All states of a task, the live ones first. */
export const TASK_STATES = [...LIVE_STATES, ...FINAL_STATES] as const;

/** Has the task ended? */
export function isFinal(task: Task): task is FinalTask {
  return task.state === 'completed' || task.state === 'failed' || task.state === 'cancelled';
}

/** Does someone hold the task? */
export function isClaimed(task: Task): task is ClaimedTask {
  return task.state === 'assigned' || task.state === 'running';
}

/** Pending, and for anyone to claim. */
export function isClaimable(task: Task): task is ClaimableTask {
  return task.state === 'pending' && task.auction === undefined;
}

/** Does a set of capabilities satisfy every requirement? */
export function satisfies(capabilities: ReadonlySet<string>, requirements: Requirements): boolean {
  return requirements.every((alternatives) => alternatives.some((name) => capabilities.has(name)));
}

/**
 * The properties that decide who may claim a task, as one text: tasks of the same class are found, listed and claimed together, so
 * that nobody has to look at every pending task. `''` is the commonest: no topic, no requirements.
 */
export function claimClass(task: {
  readonly topic?: string | undefined;
  readonly requiredCapabilities: Requirements;
}): string {
  if (task.topic === undefined && task.requiredCapabilities.length === 0) return '';
  return JSON.stringify([task.topic ?? null, task.requiredCapabilities]);
}
