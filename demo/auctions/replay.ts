/**
 * Plays recorded auctions on a running system: every bid is made by its bidder, in the order in which it was made then.
 * Auctions run side by side, spread over several pools. Their opener closes each after its last bid: recorded days pass
 * as fast as decisions do, while log time is that of the clock.
 */
import { ConvergeClient } from '../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../src/client/core/outcomes.ts';
import { isObject } from '../../src/protocol/json.ts';
import { DAY_MS } from '../../src/protocol/limits.ts';
import { type Amount, formatAmount, parseAmount } from '../../src/rules/index.ts';
import { type Access, OPEN_ACCESS } from '../../verify/kit/system/access.ts';
import type { RecordedAuction } from './recorded-auctions.ts';

export interface System {
  readonly natsUrl: string;
  readonly namespace: string;
  readonly shards: number;
  /** Left out: everybody may come in. */
  readonly access?: Access | undefined;
}

/** What became of an auction. */
export interface Replayed {
  readonly auction: RecordedAuction;
  readonly accepted: number;
  readonly rejected: number;
  /** Absent when nobody has won. */
  readonly winner?: string;
  readonly price?: Amount;
}

/** No bidder can be called so: recorded names that look like it get a number. */
const OPENER = 'bidder--opener';
const POOLS = 8;
const AT_ONCE = 96;
const OPEN_FOR_MS = 30 * DAY_MS;
const TIMEOUT_MS = 60_000;

/** eBay's increments of the time, in USD. */
const EBAY_INCREMENTS = [
  { below: 1, step: '0.05' },
  { below: 5, step: '0.25' },
  { below: 25, step: '0.5' },
  { below: 100, step: 1 },
  { below: 250, step: '2.5' },
  { below: 500, step: 5 },
  { below: 1_000, step: 10 },
  { below: 2_500, step: 25 },
  { below: 5_000, step: 50 },
  { step: 100 },
];

export async function replay(
  { natsUrl, namespace, shards, access = OPEN_ACCESS }: System,
  auctions: readonly RecordedAuction[],
  onReplayed: (replayed: Replayed) => void = () => undefined,
): Promise<Replayed[]> {
  const bidders = new Set(auctions.flatMap(({ bids }) => bids.map(({ bidder }) => bidder)));
  await access.admit([OPENER, ...bidders].map((name) => ({ role: 'agent', name })));
  const clientOf = (agent: string): Promise<ConvergeClient> =>
    ConvergeClient.connect({
      agent,
      url: natsUrl,
      namespace,
      shards,
      timeoutMs: TIMEOUT_MS,
      credentials: access.credentialsOf(agent),
    });
  await using opener = await clientOf(OPENER);
  // One connection can speak for all, unless the server knows who is who.
  const isGuarded = access.credentialsOf(OPENER) !== undefined;
  const biddersOf = (): Bidders =>
    isGuarded
      ? ownConnections(clientOf)
      : { client: async (name) => opener.withAgent(name), leave: async () => {} };
  const pools = Array.from({ length: Math.min(POOLS, auctions.length) }, (_, i) => `auctions-${i + 1}`);
  await Promise.all(
    pools.map(async (pool) => acceptedOrThrow(await opener.decide(pool, { type: 'CreatePool' }))),
  );
  const waiting = auctions.map((auction, i) => ({ auction, pool: pools[i % pools.length] ?? '', place: i }));
  const replayed: Replayed[] = [];
  const next = async (): Promise<void> => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      const result = await replayOne(opener, biddersOf(), entry.pool, entry.auction);
      replayed[entry.place] = result;
      onReplayed(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return replayed;
}

/** Those who bid in one auction. */
interface Bidders {
  client(name: string): Promise<ConvergeClient>;
  leave(): Promise<void>;
}

function ownConnections(clientOf: (name: string) => Promise<ConvergeClient>): Bidders {
  const clients = new Map<string, Promise<ConvergeClient>>();
  return {
    client(name) {
      const client = clients.get(name) ?? clientOf(name);
      clients.set(name, client);
      return client;
    },
    leave: async () => {
      await Promise.all([...clients.values()].map(async (client) => (await client).close()));
    },
  };
}

async function replayOne(
  opener: ConvergeClient,
  bidders: Bidders,
  pool: string,
  auction: RecordedAuction,
): Promise<Replayed> {
  const auctionId = auction.id;
  const opened = await opener.decide(pool, {
    type: 'OpenAuction',
    auctionId,
    kind: 'english',
    direction: 'forward',
    proxy: true,
    startPrice: formatAmount(auction.openingBid),
    increment: EBAY_INCREMENTS,
    closesAt: Date.now() + OPEN_FOR_MS,
  });
  acceptedOrThrow(opened);
  let accepted = 0;
  for (const { bidder, amount } of auction.bids) {
    const bid = { type: 'SubmitBid', auctionId, amount: formatAmount(amount) } as const;
    const outcome = await (await bidders.client(bidder)).decide(pool, bid);
    if (outcome.status === 'accepted') accepted++;
    else if (outcome.code !== 'bid_too_low') acceptedOrThrow(outcome);
  }
  await bidders.leave();
  const closed = acceptedOrThrow(await opener.decide(pool, { type: 'CloseAuction', auctionId }));
  const rejected = auction.bids.length - accepted;
  return { auction, accepted, rejected, ...(await resultOf(opener, pool, auctionId, closed.data)) };
}

/** The outcome tells who has won; the query must say the same to whoever asks later. */
async function resultOf(
  client: ConvergeClient,
  pool: string,
  auctionId: string,
  told: unknown,
): Promise<{ readonly winner?: string; readonly price?: Amount }> {
  const { state, winner, price } = await client.query('auction', { pool, auctionId });
  if (!isObject(told) || told.state !== state || told.winner !== winner || told.price !== price) {
    throw new Error(`auction ${auctionId}: the outcome and the query do not tell the same`);
  }
  const paid = parseAmount(price);
  return winner === undefined || paid === undefined ? {} : { winner, price: paid };
}
