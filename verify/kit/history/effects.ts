/** What the acceptance of a decision promises (docs/protocol.md): its effects, and the claims that it tells of. */
import type { SingleType } from '../../../src/protocol/decisions/index.ts';
import { isObject } from '../../../src/protocol/json.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { EFFECTS, type Effect } from '../decisions/every-type.ts';

/** A single decision, or a member of a Batch. */
interface Told {
  readonly type: string;
  readonly data?: unknown;
}

type Answer = Pick<Outcome, 'type' | 'status' | 'pool' | 'data'>;

/** What an accepted decision should have brought about and did not, in words. `types` are those of its events. */
export function effectsMissing(outcome: Answer, types: readonly string[]): string[] {
  if (outcome.status !== 'accepted') return [];
  const wanted = new Map<Effect, number>();
  for (const told of partsOf(outcome)) {
    const effect = isKnown(told.type) ? EFFECTS[told.type] : [];
    if (effect.length === 0 || isOfShard(outcome)) continue;
    const count = told.type === 'ClaimNextTask' ? claimsOf(told).length : 1;
    wanted.set(effect, (wanted.get(effect) ?? 0) + count);
  }
  return [...wanted].flatMap(([effect, count]) => {
    const found = types.filter((type) => effect.some((name) => type === `converge.${name}`)).length;
    return found >= count ? [] : [`${outcome.type}: ${found} of ${count} events ${effect.join(' or ')}`];
  });
}

/** The claims that it tells the agent to hold, as `task#epoch`. */
export function tellsOf(outcome: Pick<Outcome, 'type' | 'data'>): string[] {
  const { data } = outcome;
  const handed: unknown[] = isObject(data) && Array.isArray(data.handed) ? data.handed : [];
  return partsOf(outcome)
    .flatMap((told) => claimsOf(told))
    .concat(handed.map((task) => claimOf(task)));
}

/** A ban of a whole shard is said again for those pools that are left: only the first time it has the event of the ban. */
function isOfShard({ pool }: Answer): boolean {
  return pool === '_shard';
}

function isKnown(type: string): type is SingleType {
  return Object.hasOwn(EFFECTS, type);
}

function partsOf({ type, data }: Pick<Outcome, 'type' | 'data'>): Told[] {
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
