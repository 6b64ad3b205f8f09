/** In the name of another, with rights that bob has not, or with names of the system. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { PermissionDeniedError } from '../../../src/lib/errors.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import { PRIVATE_DECISION, PRIVATE_POOL, PRIVATE_TASK } from '../system.ts';
import {
  type Attack,
  decisionSubject,
  OUTCOME_WITHIN_MS,
  outcomeOf,
  outcomeOn,
  sendRaw,
  verdict,
} from './attack.ts';

export const ON_RIGHTS: readonly Attack[] = [
  {
    what: "uses up the id of ann's next message: ann's decision is applied all the same",
    expected: 'accepted',
    async run({ system, ann, rawBob }) {
      const id = ann.newId();
      await sendRaw(
        rawBob,
        decisionSubject(system, 'commons', 'bob'),
        { id: 'other', type: 'Heartbeat' },
        `ann.${id}`,
      );
      return verdict(await ann.decide('commons', { id, type: 'SubmitTask', taskId: id, objective: 'mine' }));
    },
  },
  {
    what: "decides in ann's name",
    expected: 'PermissionDeniedError',
    run: ({ bob }) => nameOfError(bob.withAgent('ann').decide('commons', { type: 'Heartbeat' })),
  },
  {
    what: "sends what ann has sent once more, as it was, on ann's subject",
    expected: 'denied',
    async run({ system, rawBob }) {
      const subject = decisionSubject(system, PRIVATE_POOL, 'ann');
      return await isRefused(rawBob, subject);
    },
  },
  {
    what: 'sends what ann has sent once more, on his own subject: it is his own word and counts as such',
    expected: 'pool_not_found',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, PRIVATE_POOL, {
        id: PRIVATE_DECISION,
        type: 'SubmitTask',
        taskId: PRIVATE_TASK,
        objective: 'nobody else may know',
      }),
  },
  {
    what: 'sends his own decision twice: nothing happens twice, the first outcome is the answer',
    expected: 'accepted, once',
    async run({ bob }) {
      const decision = {
        id: bob.newId(),
        type: 'SubmitTask',
        taskId: bob.newId(),
        objective: 'once',
      } as const;
      const first = await bob.decide('commons', decision);
      const second = await bob.decide('commons', decision);
      return `${verdict(first)}, ${first.seq === second.seq ? 'once' : 'twice'}`;
    },
  },
  {
    what: "joins ann's private pool",
    expected: 'pool_not_found',
    run: async ({ bob }) => verdict(await bob.decide(PRIVATE_POOL, { type: 'JoinPool' })),
  },
  {
    what: "closes ann's pool",
    expected: 'pool_not_found',
    run: async ({ bob }) => verdict(await bob.decide(PRIVATE_POOL, { type: 'ClosePool' })),
  },
  {
    what: "claims a task in ann's pool",
    expected: 'pool_not_found',
    run: async ({ bob }) =>
      verdict(await bob.decide(PRIVATE_POOL, { type: 'ClaimTask', taskId: PRIVATE_TASK })),
  },
  {
    what: 'publishes on the shard of another pool',
    expected: 'wrong_shard',
    run: ({ system, rawBob }) => {
      const shard = (shardOf('commons', system.shards) + 1) % system.shards;
      const decision = { id: 'wrong-shard', type: 'Heartbeat' };
      return outcomeOn(system, rawBob, `converge.decisions.${shard}.commons.bob`, decision);
    },
  },
  {
    what: 'acts on behalf of ann, who has not delegated anything',
    expected: 'delegation_missing',
    run: async ({ bob }) =>
      verdict(
        await bob.decide('commons', {
          type: 'SubmitTask',
          taskId: 'for-ann',
          objective: 'x',
          onBehalfOf: 'ann',
        }),
      ),
  },
  {
    what: 'names ann as the author in the body',
    expected: 'invalid_decision',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, 'commons', { id: 'forged-author', type: 'Heartbeat', agent: 'ann' }),
  },
  {
    what: 'makes a pool with a name of the system',
    expected: 'reserved_id',
    run: ({ system, rawBob }) => outcomeOf(system, rawBob, '_mine', { id: 'reserved-1', type: 'CreatePool' }),
  },
  {
    what: 'makes a task with an id of the system',
    expected: 'reserved_id',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, 'commons', {
        id: 'reserved-2',
        type: 'SubmitTask',
        taskId: '_task',
        objective: 'x',
      }),
  },
  {
    what: 'sweeps a shard',
    expected: 'reserved_id',
    run: ({ system, rawBob }) =>
      outcomeOn(system, rawBob, 'converge.decisions.0._shard.bob', { id: 'reserved-3', type: 'Sweep' }),
  },
  {
    what: 'asks for the tasks of a private pool that wait for himself',
    expected: 'nothing',
    async run({ bob }) {
      const { items } = await bob.query('pending-tasks', { agent: 'bob', pools: [PRIVATE_POOL] });
      return items.length === 0 ? 'nothing' : JSON.stringify(items);
    },
  },
  ...[
    ['bans ann from the commons', 'commons', { type: 'BanAgent', agentId: 'ann' }, 'not_allowed'],
    ['bans ann from her pool', PRIVATE_POOL, { type: 'BanAgent', agentId: 'ann' }, 'pool_not_found'],
    ['removes ann from her pool', PRIVATE_POOL, { type: 'RemoveMember', agentId: 'ann' }, 'pool_not_found'],
    ["pauses ann's pool", PRIVATE_POOL, { type: 'PausePool' }, 'pool_not_found'],
    [
      "makes himself an operator of ann's pool",
      PRIVATE_POOL,
      { type: 'UpdatePool', operators: ['bob'] },
      'pool_not_found',
    ],
    ["cancels ann's task", PRIVATE_POOL, { type: 'CancelTask', taskId: PRIVATE_TASK }, 'pool_not_found'],
    [
      'acts on behalf of the operators',
      'commons',
      { type: 'BanAgent', agentId: 'ann', onBehalfOf: '_operator' },
      'delegation_missing',
    ],
  ].map(
    ([what, pool, decision, expected], i): Attack => ({
      what: String(what),
      expected: String(expected),
      run: ({ system, rawBob }) =>
        outcomeOf(system, rawBob, String(pool), { id: `operates-${i}`, ...Object(decision) }),
    }),
  ),
  {
    what: 'bans ann from the whole system',
    expected: 'reserved_id',
    run: ({ system, rawBob }) =>
      outcomeOn(system, rawBob, 'converge.decisions.0._shard.bob', {
        id: 'reserved-4',
        type: 'BanAgent',
        agentId: 'ann',
      }),
  },
  {
    what: 'listens to the events of a private pool from before it is made',
    expected: 'pool_not_found',
    async run({ rawBob }) {
      const body = JSON.stringify({ pool: 'not-made-yet', token: 'early' });
      const reply = await rawBob.request('converge.queries.feed.bob', body, { timeout: OUTCOME_WITHIN_MS });
      return reply.json<{ error?: { code: string } }>().error?.code ?? 'opened';
    },
  },
];

async function nameOfError(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'accepted',
    (error) => (error instanceof PermissionDeniedError ? 'PermissionDeniedError' : String(error)),
  );
}

async function isRefused(connection: NatsConnection, subject: string): Promise<string> {
  const refused: string[] = [];
  const statuses = connection.status();
  void (async () => {
    for await (const status of statuses) if (status.type === 'error') refused.push(String(status.error));
  })();
  connection.publish(subject, '{}');
  await connection.flush();
  // The status is told in a turn of its own.
  await nextTurn();
  return refused.some((error) => error.includes(subject)) ? 'denied' : 'allowed';
}
