import type { HandedTask } from '../../protocol/outcome-data.ts';
import type { Context } from '../kernel/handler.ts';
import { claimedTaskData } from '../tasks/claims.ts';
import type { AppliedEvent, World } from '../world/world.ts';

/** What an agent was handed, with all that is needed to do it, as far as it fits into so many bytes. */
export function handedTo(
  world: World,
  { agent }: Pick<Context, 'agent'>,
  events: readonly AppliedEvent[],
  room: number,
): readonly HandedTask[] {
  const handed: HandedTask[] = [];
  let left = room;
  for (const { pool, event } of events) {
    if (event.type !== 'task.claimed' || event.data.agent !== agent) continue;
    const { offer } = event.data;
    const task = world.pool(pool)?.entities.task.get(event.id);
    if (task === undefined || offer === undefined) continue;
    const data = { ...claimedTaskData(task, event), offer };
    left -= Buffer.byteLength(JSON.stringify(data)) + 1;
    if (left < 0) break;
    handed.push(data);
  }
  return handed;
}
