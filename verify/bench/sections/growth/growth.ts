/** What changes when much is stored, waits, or lives. */
import { withServers } from '../../support/servers.ts';
import type { SectionContext } from '../section.ts';
import { type PendingTasksResult, pendingTasks } from './pending-tasks.ts';
import { type StoredTasksResult, storedTasks } from './stored-tasks.ts';
import { type TakeOverResult, takeOver } from './take-over.ts';

export interface GrowthResult {
  readonly stored: StoredTasksResult;
  readonly pending: PendingTasksResult;
  readonly takeOver: TakeOverResult;
}

export async function growth(context: SectionContext): Promise<GrowthResult> {
  const stored = await withServers(context, (servers) => storedTasks(servers, context));
  return await withServers(context, async (servers) => ({
    stored,
    pending: await pendingTasks(servers, context),
    takeOver: await takeOver(servers, context),
  }));
}
