/**
 * The contract net (FIPA): a task is announced, whoever can do it bids, the best bidder gets it, and when it does not
 * start the next best does. The system does all of that by itself; here it is announced, and followed to its end.
 */
import { UnavailableError } from '../errors.ts';
import type { AuctionCancelCause, PublicAuction, UnsoldReason } from '../protocol/auctions.ts';
import type { Task } from '../protocol/documents.ts';
import type { ConvergeEvent } from '../protocol/event.ts';
import { isObject } from '../protocol/json.ts';
import { COMMONS } from '../protocol/names.ts';
import { sleep } from '../timers.ts';
import type { ConvergeClient, SendOptions } from './client.ts';
import type { EventFeed } from './event-feed.ts';
import { undefinedIfNotFound } from './not-found.ts';
import {
  type AnyDecisionInput,
  type InputOf,
  isRejected,
  type OutcomeOf,
  type RejectedOutcome,
} from './outcomes.ts';
import type { InPool } from './sender.ts';
import { type NewTask, submission } from './task-decisions.ts';

/** How to bid: everything that an auction can be opened with, all of it optional. */
type BiddingTerms = Partial<
  Omit<InputOf<'OpenAuction'>, 'type' | 'id' | 'onBehalfOf' | 'taskId' | 'closesAt'>
>;

/**
 * What is announced, and how. A sealed first-price auction in `reverse` unless it says otherwise: whoever asks least
 * gets the task, and what it asked. Only members of the pool with the capabilities that the task requires can bid.
 */
export interface ContractNet extends BiddingTerms, InPool, SendOptions {
  readonly task: NewTask;
  /** How long bids are collected, by this machine's clock, milliseconds. */
  readonly bidMs: number;
  /** Whoever has not started by then loses the task to the next bidder; as the task or the pool says when left out. */
  readonly claimTtlMs?: number | undefined;
  /** When nobody takes the task: `cancel` it (default), or `keep` it for whoever claims it, without a price. */
  readonly ifUnsold?: 'cancel' | 'keep' | undefined;
  /** Told whenever somebody else has the task. */
  readonly onAwarded?: ((award: Award) => void) | undefined;
  /** Stops following; the auction goes on. */
  readonly signal?: AbortSignal | undefined;
  /** With an id the same call again announces nothing twice: it follows what the first one has announced. */
  readonly id?: string | undefined;
  readonly onBehalfOf?: string | undefined;
}

export interface Award {
  readonly winner: string;
  /** What the winner is paid; in a `forward` auction, pays. A decimal as text. */
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

export type ContractNetResult =
  /** The winner has started on the task, or is through with it already. */
  | (Concluded & { readonly state: 'started'; readonly awarded: Award })
  /** Nobody bid, or nobody well enough, or nobody who did has started. */
  | (Concluded & { readonly state: 'unsold'; readonly awarded: undefined; readonly why: UnsoldReason })
  /** The auction was cancelled, or the task came to its end before anybody had started. */
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

export async function contractNet(client: ConvergeClient, net: ContractNet): Promise<ContractNetResult> {
  const { pool = COMMONS, signal, timeoutMs } = net;
  signal?.throwIfAborted();
  const feed = client.events({ pool });
  const stop = () => feed.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await feed.opened;
    const { ids, batch } = announcement(client, net);
    const outcome = await client.decide(pool, batch, { timeoutMs });
    if (isRejected(outcome))
      return { ...ids, passedOver: [], awarded: undefined, state: 'rejected', outcome };
    const announced = announcedIn(outcome, ids);
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

/** The task and its auction, both or neither. */
function announcement(
  client: ConvergeClient,
  net: ContractNet,
): { readonly ids: Announced; readonly batch: Extract<AnyDecisionInput, { type: 'Batch' }> } {
  const { task, bidMs, claimTtlMs, id = client.newId(), onBehalfOf } = net;
  const ttl = claimTtlMs === undefined ? {} : { claimTtlMs };
  const constraints = Object.assign({}, task.constraints, ttl);
  const submit = submission({ ...task, constraints }, () => client.newId());
  const { taskId } = submit;
  const auctionId = net.auctionId ?? client.newId();
  const closesAt = Date.now() + bidMs;
  const open: InputOf<'OpenAuction'> = { ...termsOf(net), type: 'OpenAuction', auctionId, taskId, closesAt };
  return {
    ids: { taskId, auctionId },
    batch: { id, type: 'Batch', atomic: true, decisions: [submit, open], onBehalfOf },
  };
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

/** Of a call that was repeated the first one counts, and with it the ids that it chose. */
function announcedIn(
  { data }: Extract<OutcomeOf<'Batch'>, { status: 'accepted' }>,
  ids: Announced,
): Announced {
  const [task, auction] = data.outcomes;
  return {
    taskId: textIn(task?.data, 'taskId') ?? ids.taskId,
    auctionId: textIn(auction?.data, 'auctionId') ?? ids.auctionId,
  };
}

function textIn(data: unknown, field: string): string | undefined {
  const text = isObject(data) ? data[field] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** What the system remembers is looked at again whenever something may have changed it: events only ring the bell. */
async function whenSettled(
  client: ConvergeClient,
  net: ContractNet,
  announced: Announced,
  feed: EventFeed,
): Promise<PublicAuction> {
  let told: string | undefined;
  const look = async (): Promise<PublicAuction> => {
    const auction = await lookedUp(client, net, announced, feed);
    const award = auction.state === 'awarded' ? awardOf(auction, announced) : undefined;
    if (award !== undefined && award.winner !== told) net.onAwarded?.(award);
    told = award?.winner;
    return auction;
  };
  let auction = await look();
  if (isSettled(auction)) return auction;
  for await (const event of feed) {
    if (!mayConcern(event, announced)) continue;
    auction = await look();
    if (isSettled(auction)) return auction;
  }
  throw new UnavailableError('the client was closed before the contract was settled');
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
  { pool = COMMONS, timeoutMs }: ContractNet,
  { auctionId }: Announced,
  feed: EventFeed,
): Promise<PublicAuction> {
  for (;;) {
    try {
      return await client.query('auction', { pool, auctionId }, { timeoutMs });
    } catch (error) {
      if (!(error instanceof UnavailableError) || feed.isClosed) throw error;
    }
    await sleep(RETRY_MS);
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
    if (net.ifUnsold !== 'keep') await cancelTask(client, net, announced);
    return { ...concluded, state, awarded: undefined, why: why ?? 'nobody_left' };
  }
  const awarded = awardOf(auction, announced);
  if (awarded === undefined || !(await wasStarted(client, net, announced))) {
    return { ...concluded, state: 'cancelled', awarded: undefined, cause };
  }
  return { ...concluded, state: 'started', awarded };
}

/** An award stands also when its task was abandoned, ran out of time or was cancelled before its holder had started. */
async function wasStarted(
  client: ConvergeClient,
  { pool = COMMONS, timeoutMs }: ContractNet,
  { taskId }: Announced,
): Promise<boolean> {
  const task = await undefinedIfNotFound(client.query('task', { pool, taskId }, { timeoutMs }));
  return task === undefined || !cameToNothing(task);
}

function cameToNothing(task: Task): boolean {
  return task.state === 'cancelled' || (task.state === 'failed' && task.cause !== 'failed');
}

/** Somebody may have claimed it in the meantime, or cancelled it: then it is not ours to worry about. */
async function cancelTask(
  client: ConvergeClient,
  { pool = COMMONS, onBehalfOf, timeoutMs }: ContractNet,
  { taskId }: Announced,
): Promise<void> {
  const reason = 'no bidder took it';
  await client.decide(pool, { type: 'CancelTask', taskId, reason, onBehalfOf }, { timeoutMs });
}
