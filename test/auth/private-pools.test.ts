import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, it, vi } from 'vitest';
import type { ConvergeClient, ConvergeEvent, DecisionInput, EventFeed } from '../../src/index.ts';
import {
  acceptedOrThrow,
  NotAuthorizedError,
  PermissionDeniedError,
  QueryError,
  TaskManager,
} from '../../src/index.ts';
import { until } from '../support/until.ts';
import { useGuardedSystem } from './guarded.ts';

vi.setConfig({ testTimeout: 300_000 });

/** Snapshots and trimming as often as can be, so that what they need is tried as well. */
const guarded = useGuardedSystem({
  snapshotEveryMs: 1_000,
  snapshotEveryDecisions: 1,
  logRetentionMs: 1_000,
});
let pools = 0;

/** A pool that ann owns and lets bob into; ann is a member, bob is not yet. */
async function privatePool(): Promise<{ pool: string; ann: ConvergeClient; bob: ConvergeClient }> {
  const pool = `private-${pools++}`;
  const [ann, bob] = [await guarded.system.client('ann'), await guarded.system.client('bob')];
  const admission = { kind: 'allowlist' as const, agents: ['ann', 'bob'] };
  acceptedOrThrow(await ann.decide(pool, { type: 'CreatePool', admission }));
  acceptedOrThrow(await ann.decide(pool, { type: 'JoinPool' }));
  return { pool, ann, bob };
}

/** What a feed gives out, and how it ended. */
function collect(feed: EventFeed): { events: ConvergeEvent[]; ended: Promise<unknown> } {
  const events: ConvergeEvent[] = [];
  const ended = (async () => {
    try {
      for await (const event of feed) events.push(event);
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  guarded.onEndOfTest(() => feed.close());
  return { events, ended };
}

const submit = async (client: ConvergeClient, pool: string, taskId: string): Promise<void> => {
  acceptedOrThrow(await new TaskManager(client).submit({ taskId, objective: 'x' }, { pool }));
};

it('a member hears all events from the beginning, in order and without gaps', async () => {
  const { pool, ann } = await privatePool();
  for (let i = 0; i < 20; i++) await submit(ann, pool, `t${i}`);
  const { events } = collect(ann.events({ pool, start: 'all' }));
  await until('all events', () => events.length >= 22);
  expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, i) => i + 1));
});

it('a feed from now on has what comes after it was opened, and nothing before', async () => {
  const { pool, ann } = await privatePool();
  await submit(ann, pool, 'before');
  const feed = ann.events({ pool });
  await feed.opened;
  const { events } = collect(feed);
  await submit(ann, pool, 'after');
  await until('an event', () => events.length > 0);
  expect(events.map(({ subject }) => subject)).toEqual(['task/after']);
});

it('a thousand events and more come through: the server waits for the reader', async () => {
  const { pool, ann } = await privatePool();
  const objective = 'x'.repeat(2_000);
  const decisions = Array.from({ length: 100 }, () => ({ type: 'SubmitTask' as const, objective }));
  for (let i = 0; i < 12; i++) {
    const batch = decisions.map((decision, n) => ({ ...decision, taskId: `t-${i}-${n}` }));
    acceptedOrThrow(await ann.decide(pool, { type: 'Batch', decisions: batch }));
  }
  const { events } = collect(ann.events({ pool, start: 'all' }));
  await until('all events', () => events.length >= 1_202, 30_000);
  expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, i) => i + 1));
});

it('whoever is not a member is told that there is no such pool', async () => {
  const { pool, bob } = await privatePool();
  await expect(bob.query('pool', { pool })).rejects.toThrow('pool_not_found');
  const feed = bob.events({ pool });
  await expect(feed.opened).rejects.toThrow(QueryError);
  await expect(bob.events().opened).rejects.toThrow('name a pool');
  acceptedOrThrow(await bob.decide(pool, { type: 'JoinPool' }));
  expect(await bob.query('pool', { pool })).toMatchObject({ pool, members: 2 });
  await bob.events({ pool }).opened;
});

it('whoever leaves hears no more, also on a feed that is open', async () => {
  const { pool, ann, bob } = await privatePool();
  acceptedOrThrow(await bob.decide(pool, { type: 'JoinPool' }));
  const feed = bob.events({ pool, start: 'new' });
  await feed.opened;
  const { events, ended } = collect(feed);
  acceptedOrThrow(await bob.decide(pool, { type: 'LeavePool' }));
  expect(await ended).toBeInstanceOf(QueryError);
  const heard = events.length;
  await submit(ann, pool, 'unheard');
  const seen = collect(ann.events({ pool, start: 'all' })).events;
  await until('ann to hear it', () => seen.some(({ subject }) => subject === 'task/unheard'));
  expect(events).toHaveLength(heard);
});

it('a delegate that is no member reads what its scope covers, for as long as its principal may', async () => {
  const { pool, ann, bob } = await privatePool();
  const opens = (voteId: string): DecisionInput => ({
    type: 'OpenVote',
    voteId,
    question: '?',
    options: ['x', 'y'],
    method: 'plurality',
    closesAt: Date.now() + 600_000,
  });
  acceptedOrThrow(await bob.decide(pool, { type: 'JoinPool' }));
  for (const voteId of ['v1', 'v2']) acceptedOrThrow(await ann.decide(pool, opens(voteId)));
  const granted: DecisionInput = { type: 'Delegate', delegateeId: 'bob', scope: ['Vote:v1', 'tasks'] };
  const { decisionId } = acceptedOrThrow(await ann.decide(pool, granted));
  acceptedOrThrow(await bob.decide(pool, { type: 'LeavePool' }));
  expect(await bob.query('vote', { pool, voteId: 'v1' })).toMatchObject({ question: '?' });
  expect(await bob.query('tasks', { pool })).toMatchObject({ items: [] });
  await expect(bob.query('vote', { pool, voteId: 'v2' })).rejects.toThrow('pool_not_found');
  await expect(bob.query('votes', { pool })).rejects.toThrow('pool_not_found');
  await expect(bob.query('pool', { pool })).rejects.toThrow('pool_not_found');
  await expect(bob.events({ pool }).opened).rejects.toThrow('pool_not_found');
  expect((await bob.query('pools-of-agent', { agent: 'ann' })).pools).not.toContain(pool);
  acceptedOrThrow(await ann.decide(pool, { type: 'RevokeDelegation', delegationId: decisionId }));
  await expect(bob.query('vote', { pool, voteId: 'v1' })).rejects.toThrow('pool_not_found');
});

it('an operator that is banned sees no more of the pool, and its outcomes stay its own', async () => {
  const { pool, ann, bob } = await privatePool();
  acceptedOrThrow(await ann.decide(pool, { type: 'UpdatePool', operators: ['bob'] }));
  expect(await bob.query('pool', { pool })).toMatchObject({ pool });
  const { decisionId } = acceptedOrThrow(await bob.decide(pool, { type: 'PausePool' }));
  acceptedOrThrow(await ann.decide(pool, { type: 'BanAgent', agentId: 'bob' }));
  await expect(bob.query('pool', { pool })).rejects.toThrow('pool_not_found');
  expect(await bob.query('pools', { limit: 1_000 })).not.toMatchObject({
    items: expect.arrayContaining([expect.objectContaining({ pool })]),
  });
  expect(await bob.query('outcome', { agent: 'bob', decisionId, pool })).toMatchObject({
    status: 'accepted',
  });
});

it('observers and operators see everything, without being members', async () => {
  const { pool } = await privatePool();
  for (const name of ['olga', 'otto']) {
    const client = await guarded.system.client(name);
    expect(await client.query('pool', { pool })).toMatchObject({ pool });
    const { events } = collect(client.events({ start: 'all' }));
    await until(`${name} to hear of it`, () => events.some(({ source }) => source === `/pools/${pool}`));
  }
});

it('a feed goes on where it was when the server was away', async () => {
  const { pool, ann } = await privatePool();
  const { events } = collect(ann.events({ pool, start: 'all' }));
  await until('what there is', () => events.length === 2);
  await guarded.system.servers.nats.restart();
  await until(
    'a task to be submitted',
    async () => {
      const outcome = await ann.decide(
        pool,
        { type: 'SubmitTask', taskId: 'later', objective: 'x' },
        { timeoutMs: 5_000 },
      );
      return outcome.status === 'accepted' || outcome.code === 'task_exists';
    },
    30_000,
  );
  await until('the event', () => events.length === 3, 30_000);
  expect(events.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3]);
});

it('whoever pages through the pools learns no name of one that it may not see', async () => {
  const { pool, ann, bob } = await privatePool();
  acceptedOrThrow(await ann.decide(`${pool}-open`, { type: 'CreatePool' }));
  const told: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bob.query('pools', { limit: 1, ...(cursor === undefined ? {} : { cursor }) });
    cursor = page.cursor;
    told.push(...page.items.map((item) => item.pool), ...(cursor === undefined ? [] : [cursor]));
  } while (cursor !== undefined);
  expect(told).toContain(`${pool}-open`);
  expect(told).toContain('commons');
  expect(told).not.toContain(pool);
  expect((await ann.query('pools', {})).items.map((item) => item.pool)).toContain(pool);
});

it('nothing about an agent is told to another one', async () => {
  const { pool, ann, bob } = await privatePool();
  const { decisionId } = acceptedOrThrow(
    await ann.decide(pool, { type: 'SubmitTask', taskId: 'mine', objective: 'x' }),
  );
  await expect(bob.query('outcome', { agent: 'ann', decisionId, pool })).rejects.toThrow('outcome_not_found');
  expect(await ann.query('outcome', { agent: 'ann', decisionId, pool })).toMatchObject({
    status: 'accepted',
  });
  expect((await bob.query('pools-of-agent', { agent: 'ann' })).pools).not.toContain(pool);
  const { items } = await bob.query('pending-tasks', { agent: 'ann', pools: [pool] });
  expect(items).toEqual([]);
});

it('a connection in another name is told what is missing, and by which command to get it', async () => {
  const bob = await guarded.system.client('bob');
  const asAnn = bob.withAgent('ann');
  await expect(asAnn.decide('commons', { type: 'Heartbeat' })).rejects.toThrow(PermissionDeniedError);
  await expect(asAnn.decide('commons', { type: 'Heartbeat' })).rejects.toThrow(/converge auth add-agent ann/);
});

it('a connection ends when its name is revoked', async () => {
  await guarded.system.access.admit([{ role: 'agent', name: 'tom' }]);
  const tom = await guarded.system.client('tom');
  acceptedOrThrow(await tom.decide('commons', { type: 'Heartbeat' }));
  await guarded.system.access.revoke('tom');
  await until('it to be refused', async () => {
    const error = await tom
      .decide('commons', { type: 'Heartbeat' }, { timeoutMs: 500 })
      .catch((reason) => reason);
    return error instanceof NotAuthorizedError;
  });
});

it('the server has refused nothing that a worker or an operator did, snapshots and trimming included', async () => {
  const { servers, subjects } = guarded.system;
  const otto = await guarded.system.connect('otto');
  const jsm = await jetstreamManager(otto);
  const ann = await guarded.system.client('ann');
  await until('a snapshot to be taken, and the log to be trimmed', async () => {
    acceptedOrThrow(await ann.decide('commons', { type: 'Heartbeat' }));
    const snapshots = await jsm.streams.info(subjects.streams.snapshots);
    const log = await jsm.streams.info(subjects.streams.decisions);
    return snapshots.state.messages > 0 && log.state.messages < log.state.last_seq;
  });
  const log = await readFile(join(servers.nats.dataDir ?? '', 'nats-server.log'), 'utf8');
  const refused = log.split('\n').filter((line) => line.includes('Violation'));
  expect(refused.filter((line) => line.includes('converge-worker') || line.includes('otto'))).toEqual([]);
  // Of agents it was told.
  expect(refused.length).toBeGreaterThan(0);
});
