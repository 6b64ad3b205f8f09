import { isClaimable, type PendingTask } from '../../protocol/documents.ts';
import type { Json } from '../../protocol/json.ts';
import { MAX_ANSWER_BYTES } from '../../protocol/limits.ts';
import { weightOf } from '../kernel/consequences/json-bytes.ts';
import { accepted, isRejected } from '../kernel/decided.ts';
import type { TaskEvent } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { requireMember, workingPool } from '../pools/guards.ts';
import { claimsInQuota, tooManyClaims } from '../quotas/counts.ts';
import { isOfTask } from '../world/due.ts';
import type { PoolState } from '../world/pool-state.ts';
import { claimedBefore } from '../world/requirement-index.ts';
import { claimed, claimedTaskData } from './claims.ts';
import { claimLimitReached, claimsLeft, isCapable } from './guards.ts';
import { type Lapsed, lapse } from './lapse.ts';

/** Most tasks that one decision brings up to date before it chooses; the sweep does the rest. */
const MAX_LAPSED = 100;
/** And the most that they take together; one may take more. */
const MAX_LAPSED_BYTES = 1024 * 1024;

export const claimNextTask: Handler<'ClaimNextTask'> = {
  decide(world, decision, context) {
    const state = workingPool(world, context);
    if (isRejected(state)) return state;
    const member = requireMember(state, context);
    if (isRejected(member)) return member;
    const left = claimsLeft(state, context);
    if (left <= 0) return claimLimitReached(state, context);
    const count = Math.min(decision.limit ?? 1, left, claimsInQuota(world, state, context));
    if (count <= 0) return tooManyClaims(world, state, context);

    const topics = decision.topics === undefined ? undefined : new Set(decision.topics);
    const back = lapsedTasks(state, context.now);
    const waiting = state.pending.best(
      count,
      new Set(member.capabilities),
      topics,
      (task) => (task.deadline ?? Number.POSITIVE_INFINITY) > context.now,
    );
    const returned = back.flatMap(({ task }) =>
      isClaimable(task) && isCapable(member, task) && isOnTopic(task, topics) ? [task] : [],
    );
    const chosen = [...waiting, ...returned].sort((a, b) => (claimedBefore(a, b) ? -1 : 1)).slice(0, count);
    const claims = thatFit(
      chosen.map((task) => {
        const event = claimed(task, decision.claimTtlMs, context);
        return { event, data: claimedTaskData(task, event) };
      }),
    );
    const released = claims.flatMap(({ event }) => endOfVoidClaim(state, event.id, context.now));
    const told = [...back.flatMap(({ events }) => events), ...released];
    return accepted([...told, ...claims.map(({ event }) => event)], {
      tasks: claims.map(({ data }) => data),
    });
  },
};

/** A task whose claim is void stands as pending; that it was released comes first. */
function endOfVoidClaim(state: PoolState, taskId: string, now: number): readonly TaskEvent[] {
  const task = state.entities.task.get(taskId);
  return task !== undefined && state.isVoidClaim(task) ? lapse(state, task, now).events : [];
}

/** As many claims as one outcome can tell: a claimant that is not told what it claimed could never do it. */
function thatFit<C extends { readonly data: Json }>(claims: readonly C[]): readonly C[] {
  if (claims.length <= 1) return claims;
  let bytes = 0;
  const end = claims.findIndex(({ data }, i) => {
    bytes += Buffer.byteLength(JSON.stringify(data));
    return i > 0 && bytes > MAX_ANSWER_BYTES;
  });
  return end === -1 ? claims : claims.slice(0, end);
}

/**
 * Tasks of the pool that time has changed but no sweep has met: among them are those whose claims are over, be it
 * that their holders fell silent. Not the blocked ones: what became of those they wait for comes first; nor those with
 * void claims, which stand as pending.
 */
function lapsedTasks(state: PoolState, now: number): readonly Lapsed[] {
  const overdue = state.due.first(
    MAX_LAPSED,
    (due) => isOfTask(due) || due.what === 'member',
    ({ at }) => at > now,
  );
  const ids = overdue.flatMap((due) =>
    isOfTask(due) ? [due.id] : state.heldBy(due.id).map(({ taskId }) => taskId),
  );
  const lapsed: Lapsed[] = [];
  let bytes = 0;
  for (const id of [...new Set(ids)].slice(0, MAX_LAPSED)) {
    const task = state.entities.task.get(id);
    if (task === undefined || task.state === 'blocked' || state.isVoidClaim(task)) continue;
    bytes += weightOf(task);
    if (lapsed.length > 0 && bytes > MAX_LAPSED_BYTES) break;
    lapsed.push(lapse(state, task, now));
  }
  return lapsed;
}

function isOnTopic(task: PendingTask, topics: ReadonlySet<string> | undefined): boolean {
  return topics === undefined || (task.topic !== undefined && topics.has(task.topic));
}
