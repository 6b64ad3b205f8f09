/** What agents do with each other: each flow is one small story, some of which are meant to go wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { anything } from './anything.ts';
import type { Flow, Stage } from './stage.ts';

/** Claims are short, so that those that are abandoned expire while somebody looks. */
const SHORT_CLAIM_MS = 1_200;

/** Flows with how often each is played, out of a hundred. */
export const FLOWS: readonly (readonly [share: number, flow: Flow])[] = [
  [30, lifecycle],
  [10, abandon],
  [8, race],
  [8, batch],
  [12, auction],
  [10, vote],
  [8, negotiation],
  [6, delegation],
  [8, anything],
];

async function submit({ decide, newName, agents: [owner] }: Stage): Promise<string> {
  const taskId = newName();
  await decide(owner, {
    type: 'SubmitTask',
    taskId,
    objective: 'o',
    constraints: { claimTtlMs: SHORT_CLAIM_MS, maxExpiries: 3 },
  });
  return taskId;
}

async function lifecycle(stage: Stage): Promise<void> {
  const { decide, random, agents } = stage;
  const [owner, worker] = agents;
  const taskId = await submit(stage);
  if (random.chance(0.3)) await decide(worker, { type: 'ClaimNextTask', limit: 1 + random.integer(2) });
  await decide(worker, { type: 'ClaimTask', taskId, claimTtlMs: 5_000 });
  if (random.chance(0.3)) await decide(worker, { type: 'RenewClaim', taskId, progress: 0.5 });
  const end = random.integer(10);
  if (end === 0) await decide(worker, { type: 'ReleaseTask', taskId });
  else if (end === 1)
    await decide(worker, { type: 'FailTask', taskId, reason: 'no', retryable: random.chance(0.5) });
  else if (end === 2) await decide(owner, { type: 'CancelTask', taskId });
  else await decide(worker, { type: 'ReportTask', taskId, result: { n: random.integer(1_000) } });
}

/** The claim expires, somebody else takes the task, and the first comes back with its old epoch. */
async function abandon(stage: Stage): Promise<void> {
  const { decide, agents } = stage;
  const [, first, second] = agents;
  const taskId = await submit(stage);
  const claimed = await decide(first, { type: 'ClaimTask', taskId });
  const epoch = epochOf(claimed);
  await delay(SHORT_CLAIM_MS + 300);
  await decide(second, { type: 'ClaimTask', taskId });
  if (epoch !== undefined) await decide(first, { type: 'ReportTask', taskId, epoch, result: 'too late' });
  await decide(second, { type: 'ReportTask', taskId, result: 'in time, perhaps' });
}

/** All want it at the same time. */
async function race(stage: Stage): Promise<void> {
  const { decide, agents } = stage;
  const taskId = await submit(stage);
  await Promise.all(agents.map((agent) => decide(agent, { type: 'ClaimTask', taskId, claimTtlMs: 5_000 })));
  await Promise.all(agents.map((agent) => decide(agent, { type: 'ReportTask', taskId, result: agent })));
}

async function batch({ decide, newName, random, agents: [agent] }: Stage): Promise<void> {
  const taskId = newName();
  const decisions = [
    { type: 'SubmitTask', taskId, objective: 'o' },
    { type: 'ClaimTask', taskId },
    { type: 'ReportTask', taskId: random.chance(0.8) ? taskId : newName(), result: 1 },
  ];
  await decide(agent, { type: 'Batch', atomic: random.chance(0.5), decisions });
}

async function auction({ decide, newName, random, agents: [opener, ...bidders] }: Stage): Promise<void> {
  const auctionId = newName();
  const kind = random.pick(['first_price_sealed', 'second_price_sealed', 'english'] as const);
  const increment = kind === 'english' ? { increment: 1 } : {};
  await decide(opener, {
    type: 'OpenAuction',
    auctionId,
    kind,
    closesAt: Date.now() + 1_000 + random.integer(2_000),
    ...increment,
  });
  await Promise.all(
    bidders.map((agent) => decide(agent, { type: 'SubmitBid', auctionId, amount: 1 + random.integer(50) })),
  );
  // Else it is for the sweep to close it.
  if (random.chance(0.5)) await decide(opener, { type: 'CloseAuction', auctionId });
}

async function vote({ decide, newName, random, agents }: Stage): Promise<void> {
  const voteId = newName();
  const options = ['red', 'green'] as const;
  await decide(agents[0], {
    type: 'OpenVote',
    voteId,
    question: '?',
    options,
    method: 'majority',
    electorate: agents,
    closesAt: Date.now() + 1_000 + random.integer(2_000),
  });
  await Promise.all(
    agents.map((agent) => decide(agent, { type: 'Vote', voteId, option: random.pick(options) })),
  );
  if (random.chance(0.5)) await decide(agents[0], { type: 'CloseVote', voteId });
}

async function negotiation({ decide, newName, random, agents: [one, other] }: Stage): Promise<void> {
  const sessionId = newName();
  const opened = await decide(one, {
    type: 'OpenNegotiation',
    sessionId,
    participants: [one, other],
    proposal: { price: 10 },
    deadline: Date.now() + 60_000,
  });
  const countered = await decide(other, { type: 'Propose', sessionId, content: { price: 8 } });
  const proposalId = fieldOf(countered, 'proposalId') ?? fieldOf(opened, 'proposalId');
  if (typeof proposalId === 'string' && random.chance(0.8))
    await decide(one, { type: 'AcceptProposal', sessionId, proposalId });
  else await decide(one, { type: 'RejectProposal', sessionId });
}

async function delegation({ decide, newName, agents: [principal, delegatee] }: Stage): Promise<void> {
  const granted = await decide(principal, { type: 'Delegate', delegateeId: delegatee, scope: ['tasks'] });
  const taskId = newName();
  await decide(delegatee, { type: 'SubmitTask', taskId, objective: 'o', onBehalfOf: principal });
  const delegationId = fieldOf(granted, 'delegationId');
  if (typeof delegationId === 'string') await decide(principal, { type: 'RevokeDelegation', delegationId });
  await decide(delegatee, { type: 'CancelTask', taskId, onBehalfOf: principal });
}

function fieldOf(outcome: Outcome | undefined, field: string): unknown {
  const data = outcome?.data;
  return typeof data === 'object' && data !== null ? Reflect.get(data, field) : undefined;
}

function epochOf(outcome: Outcome | undefined): number | undefined {
  const claim = fieldOf(outcome, 'claim');
  const epoch: unknown =
    typeof claim === 'object' && claim !== null ? Reflect.get(claim, 'epoch') : undefined;
  return typeof epoch === 'number' ? epoch : undefined;
}
