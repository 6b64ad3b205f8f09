/** What the acceptance of a decision promises: events of certain types, and the claims that it tells of. */
import { isObject } from '../../src/protocol/json.ts';
import type { Outcome } from '../../src/protocol/outcome.ts';

/** Types of events of which one is the effect. */
type Effect = readonly string[];

const EFFECTS: Readonly<Record<string, Effect>> = {
  CreatePool: ['converge.pool.created'],
  JoinPool: ['converge.member.joined', 'converge.member.updated'],
  LeavePool: ['converge.member.left'],
  ClosePool: ['converge.pool.closed'],
  SubmitTask: ['converge.task.submitted'],
  ClaimTask: ['converge.task.claimed'],
  ClaimNextTask: ['converge.task.claimed'],
  RenewClaim: ['converge.task.renewed'],
  ReleaseTask: ['converge.task.released'],
  ReportTask: ['converge.task.completed'],
  FailTask: ['converge.task.failed', 'converge.task.retried'],
  CancelTask: ['converge.task.cancelled'],
};

/** A single decision, or a member of a Batch. */
interface Told {
  readonly type: string;
  readonly data?: unknown;
}

/** How many events of each effect an accepted outcome must have. */
export function effectsOf(outcome: Outcome): Map<Effect, number> {
  const effects = new Map<Effect, number>();
  for (const told of partsOf(outcome)) {
    const effect = EFFECTS[told.type];
    if (effect === undefined) continue;
    const count = told.type === 'ClaimNextTask' ? claimsOf(told).length : 1;
    effects.set(effect, (effects.get(effect) ?? 0) + count);
  }
  return effects;
}

/** The claims that it tells the agent to hold, as `task#epoch`. */
export function tellsOf(outcome: Outcome): string[] {
  return partsOf(outcome).flatMap((told) => claimsOf(told));
}

function partsOf({ type, data }: Outcome): Told[] {
  if (type !== 'Batch') return [{ type, data }];
  const members = isObject(data) && Array.isArray(data.outcomes) ? data.outcomes : [];
  return members.flatMap((member: unknown) =>
    isObject(member) && member.status === 'accepted'
      ? [{ type: String(member.type), data: member.data }]
      : [],
  );
}

function claimsOf({ type, data }: Told): string[] {
  if (!isObject(data)) return [];
  if (type === 'ClaimTask') return [claimOf(data)];
  if (type !== 'ClaimNextTask' || !Array.isArray(data.tasks)) return [];
  return data.tasks.map((task: unknown) => claimOf(task));
}

function claimOf(task: unknown): string {
  if (!isObject(task) || !isObject(task.claim)) return 'no claim';
  return `${String(task.taskId)}#${String(task.claim.epoch)}`;
}
