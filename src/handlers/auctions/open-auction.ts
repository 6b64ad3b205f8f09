import { MAX_BATCH } from '../../protocol/limits.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { poolToOpenIn } from '../pools/guards.ts';
import { tooManyOpen } from '../quotas/counts.ts';
import { taskToAuction } from './guards.ts';
import { termsOf } from './terms.ts';

export const openAuction: Handler<'OpenAuction'> = {
  touches: ({ auctionId, taskId }) => [
    { kind: 'auction', id: auctionId },
    ...(taskId === undefined ? [] : [{ kind: 'task', id: taskId } as const]),
  ],
  decide(world, decision, context) {
    const state = poolToOpenIn(world, context);
    if (isRejected(state)) return state;
    const { auctionId, taskId } = decision;
    if (state.entities.auction.has(auctionId)) {
      return rejected('auction_exists', `auction ${auctionId} already exists`);
    }
    const terms = termsOf(decision, context);
    if (isRejected(terms)) return terms;
    const task = taskId === undefined ? undefined : taskToAuction(state, taskId, context);
    if (task !== undefined && isRejected(task)) return task;
    const tooMany = tooManyOpen(world, state, 'auction', context);
    if (tooMany !== undefined) return tooMany;
    const { agent, decisionId, seq, index } = context;
    const order = seq * (MAX_BATCH + 1) + index;
    const opened: DomainEvent = {
      type: 'auction.opened',
      id: auctionId,
      data: { ...terms, order, origin: { agent, decisionId } },
    };
    const data = { auctionId, closesAt: terms.closesAt };
    if (task === undefined) return accepted([opened], data);
    const reserved: DomainEvent = {
      type: 'task.reserved',
      id: task.task.taskId,
      data: { auction: auctionId },
    };
    return accepted([...task.events, opened, reserved], data);
  },
};
