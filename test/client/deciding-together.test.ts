/** Auctions, votes, negotiations and delegations as an agent's author meets them: against a real system. */
import { describe, expect, it } from 'vitest';
import {
  acceptedOrThrow,
  BiddingProtocol,
  Consensus,
  type ConvergeEvent,
  DelegationProtocol,
  NegotiationProtocol,
  PoolManager,
  TaskManager,
} from '../../src/index.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();
const inAnHour = () => Date.now() + 3_600_000;

describe('BiddingProtocol', () => {
  it('opens, bids, resolves and shows; bids are sealed until the close', async () => {
    const auction = fresh('auction');
    const opener = new BiddingProtocol(await system.client('ann'));
    const bob = new BiddingProtocol(await system.client('bob'));
    const kind = 'second_price_sealed' as const;
    const opened = await opener.open({ auctionId: auction, kind, closesAt: inAnHour(), reserve: '2.50' });
    expect(opened).toMatchObject({ status: 'accepted', data: { auctionId: auction } });
    expect(await bob.submitBid(auction, 10)).toMatchObject({ status: 'accepted' });
    expect(await opener.submitBid(auction, 11)).toMatchObject({ status: 'rejected', code: 'not_allowed' });
    const open = await bob.getAuction(auction);
    expect(open).toMatchObject({ state: 'open', bidCount: 1, bids: [{ bidder: 'bob' }] });
    expect(open?.bids?.[0]).not.toHaveProperty('amount');
    const closed = acceptedOrThrow(await opener.resolve(auction));
    expect(closed.data).toMatchObject({ state: 'awarded', winner: 'bob', price: '2.5' });
    expect(await bob.getAuction(auction)).toMatchObject({ state: 'awarded', winner: 'bob', price: '2.5' });
  });

  it('gives bidders more time, never less', async () => {
    const auction = fresh('auction');
    const opener = new BiddingProtocol(await system.client('ann'));
    const bob = new BiddingProtocol(await system.client('bob'));
    const closesAt = inAnHour();
    await opener.open({ auctionId: auction, kind: 'english', closesAt });
    expect(await bob.extend(auction, closesAt + 1)).toMatchObject({
      status: 'rejected',
      code: 'not_allowed',
    });
    expect(await opener.extend(auction, closesAt + 60_000)).toMatchObject({ status: 'accepted' });
    expect(await bob.getAuction(auction)).toMatchObject({ state: 'open', closesAt: closesAt + 60_000 });
    expect(await opener.extend(auction, closesAt)).toMatchObject({ code: 'invalid_decision' });
  });

  it('cancels; lists by state; knows nothing of what there is not', async () => {
    const pool = fresh('pool');
    const client = await system.client('ann');
    await new PoolManager(client).createPool(pool);
    const bidding = new BiddingProtocol(client);
    const terms = { kind: 'english' as const, closesAt: inAnHour() };
    const first = acceptedOrThrow(await bidding.open(terms, { pool })).data.auctionId;
    const second = acceptedOrThrow(await bidding.open(terms, { pool })).data.auctionId;
    expect(await bidding.cancel(first, { pool })).toMatchObject({ status: 'accepted' });
    const { items } = await bidding.listAuctions({ pool, state: 'open' });
    expect(items.map(({ auctionId }) => auctionId)).toEqual([second]);
    expect(await bidding.getAuction('no-such-auction', { pool })).toBeUndefined();
  });
});

describe('Consensus', () => {
  it('opens, votes and closes; the result can be counted again by the same rules', async () => {
    const [ann, bob, cid] = await Promise.all(['ann', 'bob', 'cid'].map((agent) => system.client(agent)));
    if (ann === undefined || bob === undefined || cid === undefined) throw new Error('three clients');
    const consensus = new Consensus(ann);
    const options = ['red', 'green', 'blue'];
    const { data } = acceptedOrThrow(
      await consensus.openVote({
        question: 'Which?',
        options,
        method: 'borda',
        electorate: ['ann', 'bob', 'cid'],
        closesAt: inAnHour(),
        closeWhenDecided: false,
      }),
    );
    await consensus.vote(data.voteId, { ranking: ['red', 'green'] });
    await new Consensus(bob).vote(data.voteId, { ranking: ['green', 'red'] });
    await new Consensus(cid).vote(data.voteId, { abstain: true });
    const closed = acceptedOrThrow(await consensus.close(data.voteId));
    const vote = await consensus.getVote(data.voteId);
    if (vote?.state !== 'closed') throw new Error('it is closed');
    expect(vote.ballots.items).toHaveLength(3);
    const counted = Consensus.bordaVote(options, vote.ballots.items);
    expect(vote.result).toMatchObject({ why: counted.why, tally: counted.tally });
    expect(closed.data).toMatchObject({ state: 'closed', why: counted.why });
  });

  it('lists; knows nothing of what there is not', async () => {
    const pool = fresh('pool');
    const client = await system.client('ann');
    const pools = new PoolManager(client);
    await pools.createPool(pool);
    const consensus = new Consensus(client);
    const vote = { question: '', options: ['a', 'b'], method: 'plurality' as const, closesAt: inAnHour() };
    expect(await consensus.openVote({ ...vote, electorate: ['ann'] }, { pool })).toMatchObject({
      status: 'accepted',
    });
    const { items } = await consensus.listVotes({ pool, state: 'open' });
    expect(items).toHaveLength(1);
    expect(await consensus.getVote('no-such-vote', { pool })).toBeUndefined();
  });
});

describe('NegotiationProtocol', () => {
  it('offers, counter-offers, and agrees on the latest', async () => {
    const seller = new NegotiationProtocol(await system.client('seller'));
    const buyer = new NegotiationProtocol(await system.client('buyer'));
    const opened = await seller.createSession({
      participants: ['seller', 'buyer'],
      proposal: { price: 100 },
    });
    const { sessionId, proposalId } = acceptedOrThrow(opened).data;
    const counter = acceptedOrThrow(await buyer.propose(sessionId, { price: 80 })).data;
    expect(await buyer.accept(sessionId, proposalId)).toMatchObject({ code: 'stale_proposal' });
    const agreed = acceptedOrThrow(await seller.accept(sessionId, counter.proposalId));
    expect(agreed.data).toMatchObject({ state: 'accepted', missing: [] });
    const session = await buyer.getSession(sessionId);
    expect(session?.state).toBe('accepted');
    expect(session?.proposals.map(({ content }) => content)).toEqual([{ price: 100 }, { price: 80 }]);
  });

  it('rejects; knows nothing of what there is not', async () => {
    const seller = new NegotiationProtocol(await system.client('seller'));
    const buyer = new NegotiationProtocol(await system.client('buyer'));
    const opened = await seller.createSession({ participants: ['seller', 'buyer'], proposal: 1 });
    const { sessionId } = acceptedOrThrow(opened).data;
    expect(await buyer.reject(sessionId, { reason: 'no' })).toMatchObject({ data: { state: 'rejected' } });
    expect(await seller.getSession('no-such-session')).toBeUndefined();
  });
});

describe('DelegationProtocol', () => {
  it('delegates, acts on behalf, revokes; events name both', async () => {
    const pool = fresh('pool');
    const ann = await system.client('ann');
    const bob = await system.client('bob');
    await new PoolManager(ann).createPool(pool);
    await new TaskManager(ann).submit({ taskId: 't-1', objective: 'do it' }, { pool });
    const delegations = new DelegationProtocol(ann);
    const feed = bob.events({ pool });
    await feed.opened;
    const granted = acceptedOrThrow(await delegations.delegate('bob', ['CancelTask'], { pool }));
    const { delegationId } = granted.data;
    expect(delegationId).toBe(granted.decisionId);
    const tasks = new TaskManager(bob);
    expect(await tasks.cancelTask('t-1', { pool })).toMatchObject({ code: 'not_allowed' });
    expect(await tasks.failTask('t-1', '', { pool, agentId: 'ann' })).toMatchObject({
      code: 'scope_exceeded',
    });
    expect(await tasks.cancelTask('t-1', { pool, onBehalfOf: 'ann' })).toMatchObject({ status: 'accepted' });
    const revoked = acceptedOrThrow(await delegations.revoke(delegationId, { pool }));
    expect(revoked.data).toEqual({ revoked: [delegationId], count: 1 });
    expect(await tasks.cancelTask('t-1', { pool, onBehalfOf: 'ann' })).toMatchObject({
      code: 'delegation_missing',
    });
    const seen: ConvergeEvent[] = [];
    for await (const event of feed) {
      seen.push(event);
      if (event.type === 'converge.delegation.revoked') break;
    }
    expect(seen.map(({ type, actor, principal }) => [type, actor, principal])).toEqual([
      ['converge.delegation.granted', 'ann', undefined],
      ['converge.task.cancelled', 'bob', 'ann'],
      ['converge.delegation.revoked', 'ann', undefined],
    ]);
  });

  it('lists live and past ones, of one agent and of all', async () => {
    const pool = fresh('pool');
    const ann = new DelegationProtocol(await system.client('ann'));
    const bob = new DelegationProtocol(await system.client('bob'));
    await new PoolManager(await system.client('owner')).createPool(pool);
    const scope = ['votes', 'delegations'];
    const past = acceptedOrThrow(await ann.delegate('bob', scope, { pool })).data.delegationId;
    await ann.revoke(past, { pool });
    const live = acceptedOrThrow(await ann.delegate('bob', scope, { pool })).data.delegationId;
    const passedOn = acceptedOrThrow(await bob.delegate('cid', ['votes'], { pool, onBehalfOf: 'ann' })).data;
    const idsOf = async (query: Parameters<DelegationProtocol['list']>[0]) =>
      (await ann.list({ pool, ...query })).items.map(({ delegationId }) => delegationId);
    expect(await idsOf({})).toEqual([past, live, passedOn.delegationId]);
    expect(await idsOf({ state: 'live' })).toEqual([live, passedOn.delegationId]);
    expect(await idsOf({ state: 'revoked' })).toEqual([past]);
    expect(await idsOf({ agent: 'cid' })).toEqual([passedOn.delegationId]);
    expect(await idsOf({ agent: 'ann' })).toEqual([past, live, passedOn.delegationId]);
    expect(await idsOf({ agent: 'eve' })).toEqual([]);
  });

  it('a delegation that is over by its time is swept, and shown as expired', async () => {
    const pool = fresh('pool');
    const client = await system.client('ann');
    await new PoolManager(client).createPool(pool);
    const delegations = new DelegationProtocol(client);
    await delegations.delegate('bob', ['tasks'], { pool, expiresAt: Date.now() + 300 });
    await expect
      .poll(async () => (await delegations.list({ pool, state: 'expired' })).items.length, {
        timeout: 10_000,
      })
      .toBe(1);
  });
});
