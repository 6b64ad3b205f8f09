/**
 * The contract net (FIPA): a task is announced, anyone who can do it bids, the best bidder gets it, and when it does not
 * start the next best does. The system does all of that by itself; here it is announced, and followed to its end.
 */

import { UnavailableError } from '../../lib/errors.ts';
import { Signal } from '../../lib/signal.ts';
import { sleep } from '../../lib/timers.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { AuctionCancelCause, PublicAuction, UnsoldReason } from '../../protocol/auctions.ts';
import { isNotFound } from '../../protocol/codes.ts';
import { defined } from '../../protocol/defined.ts';
import { isClaimed } from '../../protocol/documents.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isObject } from '../../protocol/json.ts';
import { COMMONS, isName } from '../../protocol/names.ts';
import type { ConvergeClient, SendOptions } from '../core/client.ts';
import type { EventFeed } from '../core/event-feed.ts';
import { insist } from '../core/insist.ts';
import type { InPool } from '../core/method-options.ts';
import { undefinedIfNotFound } from '../core/not-found.ts';
import { type AnyDecisionInput, type InputOf, isRejected, type RejectedOutcome } from '../core/outcomes.ts';
import { type NewTask, submission } from './task-options.ts';

/** How to bid: everything that an auction can be opened with, all of it optional. */
type BiddingTerms = Partial<
  Omit<InputOf<'OpenAuction'>, 'type' | 'id' | 'onBehalfOf' | 'taskId' | 'closesAt'>
>;

/**
 * What is announced, and how. A sealed first-price auction in `reverse` unless it says otherwise: anyone who asks least
 * gets the task, and what it asked. Only members of the pool with the capabilities that the task requires can bid.
 */
export interface ContractNet extends BiddingTerms, InPool, SendOptions {
  readonly task: NewTask;
  /** How long bids are collected, counted in log time from the announcement, milliseconds. */
  readonly bidMs: number;
  /** A winner that has not started by then loses the task to the next bidder; default: that of the task or the pool. */
  readonly claimTtlMs?: number | undefined;
  /** When nobody takes the task: `cancel` it (default), or `keep` it for anyone who claims it, without a price. */
  readonly ifUnsold?: 'cancel' | 'keep' | undefined;
  /** Told whenever someone else has the task. */
  readonly onAwarded?: ((award: Award) => void) | undefined;
  /** Stops following; the auction goes on. */
  readonly signal?: AbortSignal | undefined;
  /** With an id the same call again announces nothing twice: it follows what the first one has announced. */
  readonly id?: string | undefined;
  readonly onBehalfOf?: string | undefined;
}

/** To whom a task went, and for how much. */
export interface Award {
  readonly winner: string;
  /** The price that the winner receives; in a `forward` auction, pays. A decimal as text. */
  readonly price: string;
  readonly taskId: string;
  readonly auctionId: string;
}

interface Announced {
  readonly taskId: string;
  readonly auctionId: string;
}

interface Concluded extends Announced {
  /** Those to whom the task would have gone before, and who did not start, or could not take it. */
  readonly passedOver: readonly string[];
}

/** What became of a contract net: someone has started on the task, or why nobody has. */
export type ContractNetResult =
  /** The winner has started on the task, or is through with it already. */
  | (Concluded & { readonly state: 'started'; readonly awarded: Award })
  /** The winner has said that it failed; the task is tried again by anyone who claims it, if it has attempts left. */
  | (Concluded & { readonly state: 'failed'; readonly awarded: Award })
  /** Nobody bid, or nobody well enough, or nobody who did has started. */
  | (Concluded & {
      readonly state: 'unsold';
      readonly awarded: undefined;
      readonly why: UnsoldReason;
      /** Why the task could not be cancelled: it is still there, for anyone who claims it. */
      readonly notCancelled?: RejectedOutcome;
    })
  /** The auction was cancelled, or the task came to its end before anyone had started. */
  | (Concluded & {
      readonly state: 'cancelled';
      readonly awarded: undefined;
      readonly cause: AuctionCancelCause;
    })
  /** It was not even announced. */
  | (Concluded & {
      readonly state: 'rejected';
      readonly awarded: undefined;
      readonly outcome: RejectedOutcome;
    });

const RETRY_MS = 250;
/** Looked at so often also when no event says that there is something to see. */
const LOOK_EVERY_MS = 5_000;
const CANCEL_WITHIN_MS = 30_000;

export async function contractNet(client: ConvergeClient, net: ContractNet): Promise<ContractNetResult> {
  const { pool = COMMONS, signal, timeoutMs } = net;
  signal?.throwIfAborted();
  const ids = { taskId: net.task.taskId ?? client.newId(), auctionId: net.auctionId ?? client.newId() };
  // Deadlines are judged by the time of the log. Any outcome tells it, also one of a decision that is rejected.
  const told = await unlessAborted(signal, client.decide(pool, { type: 'Heartbeat' }, { timeoutMs }));
  if (isRejected(told) && (told.shard < 0 || told.code === 'pool_not_found'))
    return { ...ids, passedOver: [], awarded: undefined, state: 'rejected', outcome: told };
  const feed = client.events({ pool, timeoutMs });
  const stop = () => feed.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await feed.opened;
    const announced = await announce(client, net, ids, told.at + net.bidMs);
    if ('state' in announced) return announced;
    const auction = await whenSettled(client, net, announced, feed);
    return await conclusion(client, net, announced, auction);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    feed.close();
  }
}

/** Of a call that was repeated the first one counts, and with it the ids that it chose. */
async function announce(
  client: ConvergeClient,
  net: ContractNet,
  ids: Announced,
  closesAt: number,
): Promise<Announced | ContractNetResult> {
  const { pool = COMMONS, timeoutMs } = net;
  const before = await outcomeBefore(client, net);
  if (before !== undefined) return announcedIn(before, ids);
  const batch = announcement(client, net, ids, closesAt);
  const outcome = await client.decide(pool, batch, { timeoutMs });
  if (!isRejected(outcome)) return announcedIn(outcome.data, ids);
  // Another call with this id was faster: its times are others, and so it is another decision.
  const first = await outcomeBefore(client, net);
  if (first !== undefined) return announcedIn(first, ids);
  return { ...ids, passedOver: [], awarded: undefined, state: 'rejected', outcome };
}

/** The result of an earlier call with the same id; undefined when there was no accepted one. */
async function outcomeBefore(
  client: ConvergeClient,
  { id, pool = COMMONS, timeoutMs }: ContractNet,
): Promise<unknown> {
  if (id === undefined || !isName(id)) return undefined;
  const query = { agent: client.agent, decisionId: id, pool };
  const outcome = await undefinedIfNotFound(client.query('outcome', query, { timeoutMs }));
  return outcome?.status === 'accepted' && outcome.type === 'Batch' ? outcome.data : undefined;
}

/** The task and its auction, both or neither. */
function announcement(
  client: ConvergeClient,
  net: ContractNet,
  { taskId, auctionId }: Announced,
  closesAt: number,
): Extract<AnyDecisionInput, { type: 'Batch' }> {
  const { task, claimTtlMs, id = client.newId(), onBehalfOf } = net;
  const ttl = defined({ claimTtlMs });
  const constraints = Object.assign({}, task.constraints, ttl);
  const submit = submission({ ...task, taskId, constraints }, () => client.newId());
  const open: InputOf<'OpenAuction'> = { ...termsOf(net), type: 'OpenAuction', auctionId, taskId, closesAt };
  return { id, type: 'Batch', atomic: true, decisions: [submit, open], onBehalfOf };
}

function termsOf({
  kind = 'first_price_sealed',
  direction = 'reverse',
  reserve,
  startPrice,
  increment,
  proxy,
  softCloseMs,
  step,
  stepMs,
  lot,
}: ContractNet): Omit<InputOf<'OpenAuction'>, 'type' | 'auctionId' | 'closesAt'> {
  return { kind, direction, reserve, startPrice, increment, proxy, softCloseMs, step, stepMs, lot };
}

/** The ids that the outcome of an announcement names. */
function announcedIn(data: unknown, ids: Announced): Announced {
  const outcomes = isObject(data) && Array.isArray(data.outcomes) ? data.outcomes : [];
  const [task, auction] = outcomes.map((member) => (isObject(member) ? member.data : undefined));
  return {
    taskId: textIn(task, 'taskId') ?? ids.taskId,
    auctionId: textIn(auction, 'auctionId') ?? ids.auctionId,
  };
}

function textIn(data: unknown, field: string): string | undefined {
  const text = isObject(data) ? data[field] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** What the system remembers is looked at again whenever something may have changed it: events are only a reason to look. */
async function whenSettled(
  client: ConvergeClient,
  net: ContractNet,
  announced: Announced,
  feed: EventFeed,
): Promise<PublicAuction> {
  const changed = new Signal();
  void notifyAt(feed, announced, changed);
  let told: string | undefined;
  for (;;) {
    const auction = await lookedUp(client, net, announced);
    const award = auction.state === 'awarded' ? awardOf(auction, announced) : undefined;
    if (award !== undefined && award.winner !== told) net.onAwarded?.(award);
    told = award?.winner;
    if (isSettled(auction)) return auction;
    await changed.next(LOOK_EVERY_MS);
    if (isOver(client, net))
      throw new UnavailableError('the client was closed before the contract was settled');
  }
}

/** A feed that cannot go on costs nothing but time: there is looking now and then. */
async function notifyAt(feed: EventFeed, announced: Announced, changed: Signal): Promise<void> {
  try {
    for await (const event of feed) if (mayConcern(event, announced)) changed.notify();
  } catch {
    // Told by what is looked up, if it matters.
  } finally {
    changed.notify();
  }
}

function isOver(client: ConvergeClient, { signal }: ContractNet): boolean {
  return client.isClosed || signal?.aborted === true;
}

/** From then on nothing changes it: a winner has started, or there will be none. */
function isSettled({ finishedAt }: PublicAuction): boolean {
  return finishedAt !== undefined;
}

function mayConcern({ type, subject }: ConvergeEvent, { taskId, auctionId }: Announced): boolean {
  if (subject === `task/${taskId}`) return type !== 'converge.task.submitted';
  return subject === `auction/${auctionId}` && !OF_BIDDING.has(type);
}

const OF_BIDDING: ReadonlySet<string> = new Set([
  'converge.auction.opened',
  'converge.auction.bid_placed',
  'converge.auction.extended',
]);

/** Patient: that no worker answers at this moment is no reason to give up what goes on without us. */
async function lookedUp(
  client: ConvergeClient,
  net: ContractNet,
  { auctionId }: Announced,
): Promise<PublicAuction> {
  const { pool = COMMONS, timeoutMs, signal } = net;
  for (;;) {
    try {
      return await client.query('auction', { pool, auctionId }, { timeoutMs, signal });
    } catch (error) {
      if (!(error instanceof UnavailableError) || isOver(client, net)) throw error;
    }
    await sleep(RETRY_MS, signal);
  }
}

function awardOf({ winner, price }: PublicAuction, announced: Announced): Award | undefined {
  return winner === undefined || price === undefined ? undefined : { ...announced, winner, price };
}

async function conclusion(
  client: ConvergeClient,
  net: ContractNet,
  announced: Announced,
  auction: PublicAuction,
): Promise<ContractNetResult> {
  const { state, why, cause = 'task_ended', bids = [] } = auction;
  const passedOver = bids.flatMap((bid) => (bid.passedOver === true ? [bid.bidder] : []));
  const concluded = { ...announced, passedOver };
  if (state === 'unsold') {
    const notCancelled = net.ifUnsold === 'keep' ? undefined : await cancelTask(client, net, announced);
    const unsold = { ...concluded, state, awarded: undefined, why: why ?? 'nobody_left' } as const;
    return notCancelled === undefined ? unsold : { ...unsold, notCancelled };
  }
  const awarded = awardOf(auction, announced);
  const end = awarded === undefined ? 'cancelled' : await beginningOf(client, net, awarded);
  if (awarded === undefined || end === 'cancelled')
    return { ...concluded, state: 'cancelled', awarded: undefined, cause };
  return { ...concluded, state: end, awarded };
}

/**
 * What the winner has made of it. An award stands also when its task was abandoned, ran out of time or was cancelled
 * before its holder had started, and when the holder's first word was that it failed.
 */
async function beginningOf(
  client: ConvergeClient,
  { pool = COMMONS, timeoutMs }: ContractNet,
  { taskId, winner }: Award,
): Promise<'started' | 'failed' | 'cancelled'> {
  const task = await undefinedIfNotFound(client.query('task', { pool, taskId }, { timeoutMs }));
  if (task === undefined) return 'started';
  if (task.state === 'cancelled' || (task.state === 'failed' && task.cause !== 'failed')) return 'cancelled';
  const isWinners =
    (isClaimed(task) && task.claim.agent === winner) ||
    (task.state === 'completed' && task.finishedBy === winner);
  return task.failures > 0 && !isWinners ? 'failed' : 'started';
}

/** Someone may have ended it in the meantime: then it is not ours to worry about. Returns why it is still there. */
async function cancelTask(
  client: ConvergeClient,
  net: ContractNet,
  { taskId }: Announced,
): Promise<RejectedOutcome | undefined> {
  const { pool = COMMONS, onBehalfOf, timeoutMs = CANCEL_WITHIN_MS } = net;
  const deadline = performance.now() + timeoutMs;
  const goOn = (): boolean => performance.now() < deadline && !isOver(client, net);
  const reason = 'no bidder took it';
  const outcome = await insist({ client, goOn, onError: () => undefined }, (id) =>
    client.decide(pool, { id, type: 'CancelTask', taskId, reason, onBehalfOf }, { timeoutMs }),
  );
  if (outcome === undefined)
    throw new UnavailableError(`no bidder took task ${taskId}, and it is unknown whether it was cancelled`);
  const isEnded = isRejected(outcome) && (outcome.code === 'already_final' || isNotFound(outcome.code));
  return isRejected(outcome) && !isEnded ? outcome : undefined;
}
