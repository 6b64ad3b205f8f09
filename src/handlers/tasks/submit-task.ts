import type { Constraints } from '../../protocol/decisions/constraints.ts';
import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import type { Requirements, TaskConstraints } from '../../protocol/documents.ts';
import { DEFAULT_CONSTRAINTS, MAX_BATCH } from '../../protocol/limits.ts';
import { accepted, isRejected, type Rejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { TaskEvent } from '../kernel/events.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { requireMember, workingPool } from '../pools/guards.ts';
import { tasksThatAreOver } from '../quotas/over.ts';
import type { PoolState } from '../world/pool-state.ts';
import { cancelledWith, firstOfFailed } from './dependents.ts';

/** One for all tasks that depend on nothing and require nothing. */
const NOTHING: readonly never[] = [];

export const submitTask: Handler<'SubmitTask'> = {
  touches: ({ taskId, dependsOn = [] }) => [taskId, ...dependsOn].map((id) => ({ kind: 'task', id })),
  decide(world, decision, context) {
    const state = workingPool(world, context);
    if (isRejected(state)) return state;
    if (state.doc.submitters === 'members') {
      const member = requireMember(state, context);
      if (isRejected(member)) return member;
    }
    const { taskId, deadline } = decision;
    if (state.entities.task.has(taskId)) return rejected('task_exists', `task ${taskId} already exists`);
    const dependsOn = decision.dependsOn === undefined ? NOTHING : [...new Set(decision.dependsOn)];
    const broken = brokenDependency(state, taskId, dependsOn);
    if (broken !== undefined) return broken;
    if (deadline !== undefined && deadline <= context.now) {
      return rejected('deadline_passed', `the deadline of task ${taskId} has passed`);
    }
    const { maxLiveTasksPerPool: limit } = world.settings;
    const unfinished = state.live.tasks - tasksThatAreOver(state, context.now, state.live.tasks - limit + 1);
    if (unfinished >= limit) {
      const met = { quota: 'maxLiveTasksPerPool', limit, used: unfinished };
      return rateLimited(
        `pool ${context.pool} holds ${unfinished} unfinished tasks, the most that a pool may have`,
        met,
      );
    }
    const submitted = submission(state, decision, dependsOn, context);
    // A task that can never become free ends at once: its outcome says that, and not that it waits.
    const failed = firstOfFailed(state, dependsOn);
    if (failed === undefined) return accepted([submitted], { taskId, state: submitted.data.state });
    return accepted([submitted, cancelledWith(failed, taskId)], { taskId, state: 'cancelled' });
  },
};

function brokenDependency(
  state: PoolState,
  taskId: string,
  dependsOn: readonly string[],
): Rejected | undefined {
  if (dependsOn.includes(taskId)) return rejected('dependency_cycle', `task ${taskId} depends on itself`);
  const unknown = dependsOn.find((id) => !state.entities.task.has(id));
  return unknown === undefined ? undefined : rejected('unknown_dependency', `there is no task ${unknown}`);
}

function submission(
  state: PoolState,
  decision: DecisionOf<'SubmitTask'>,
  dependsOn: readonly string[],
  { now, self, agent, decisionId, seq, index }: Context,
): Extract<TaskEvent, { readonly type: 'task.submitted' }> {
  const { inputs, evaluator, topic, notBefore, deadline } = decision;
  // Dependencies that failed stay in the list: it says what the task would have waited for.
  const waitingFor = dependsOn.filter((id) => state.entities.task.get(id)?.state !== 'completed');
  const isEarly = notBefore !== undefined && notBefore > now;
  return {
    type: 'task.submitted',
    id: decision.taskId,
    data: {
      state: waitingFor.length > 0 ? 'blocked' : isEarly ? 'scheduled' : 'pending',
      objective: decision.objective,
      inputs,
      evaluator,
      topic,
      requiredCapabilities: normalRequirements(decision.requiredCapabilities ?? NOTHING),
      priority: decision.priority ?? 0,
      notBefore,
      deadline,
      dependsOn,
      waitingFor,
      constraints: allConstraints(state, decision),
      submitter: self,
      order: seq * (MAX_BATCH + 1) + index,
      origin: { agent, decisionId },
    },
  };
}

/** One form for requirements that mean the same, so that their tasks share a class. */
function normalRequirements(required: readonly (string | readonly string[])[]): Requirements {
  if (required.length === 0) return NOTHING;
  const entries = required.map((entry) => (typeof entry === 'string' ? [entry] : [...new Set(entry)].sort()));
  const unique = new Map(entries.map((entry) => [JSON.stringify(entry), entry]));
  return [...unique.keys()].sort().flatMap((key) => {
    const entry = unique.get(key);
    return entry === undefined ? [] : [entry];
  });
}

/** The constraints of most tasks, which have none of their own. Computed once for each state of the pool. */
const ofDefaults = new WeakMap<Constraints, TaskConstraints>();

/** The task's own constraints, else the pool's defaults, else the protocol's. */
function allConstraints({ doc }: PoolState, { constraints }: DecisionOf<'SubmitTask'>): TaskConstraints {
  if (constraints !== undefined) return filledIn({ ...doc.defaults, ...constraints });
  const known = ofDefaults.get(doc.defaults);
  if (known !== undefined) return known;
  const filled = filledIn(doc.defaults);
  ofDefaults.set(doc.defaults, filled);
  return filled;
}

function filledIn(stated: Constraints): TaskConstraints {
  const { claimTtlMs, maxAttempts, backoffMs, maxExpiries, maxUnstarted, maxRunMs, ...others } = stated;
  return {
    claimTtlMs: claimTtlMs ?? DEFAULT_CONSTRAINTS.claimTtlMs,
    maxAttempts: maxAttempts ?? DEFAULT_CONSTRAINTS.maxAttempts,
    backoffMs: backoffMs ?? DEFAULT_CONSTRAINTS.backoffMs,
    maxExpiries: maxExpiries ?? DEFAULT_CONSTRAINTS.maxExpiries,
    maxUnstarted: maxUnstarted ?? DEFAULT_CONSTRAINTS.maxUnstarted,
    ...defined({ maxRunMs }),
    ...others,
  };
}
