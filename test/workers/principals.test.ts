import { expect, it } from 'vitest';
import type { LogMessage } from '../../src/bus/log-reader.ts';
import { World } from '../../src/handlers/world/world.ts';
import type { DecisionInput } from '../../src/protocol/decisions/index.ts';
import type { ConvergeEvent } from '../../src/protocol/event.ts';
import type { Outcome } from '../../src/protocol/outcome.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { decideBatch, decodeMessages } from '../../src/workers/shard/decide-batch.ts';

const SUBJECTS = subjects('converge');
const NOTHING = { outcomes: new Map(), entities: [] };

interface Message {
  readonly agent: string;
  readonly body: object;
}

function decided(messages: readonly Message[]) {
  const log = messages.map(
    ({ agent, body }, i): LogMessage => ({
      subject: SUBJECTS.decision('commons', agent, 1),
      data: Buffer.from(JSON.stringify({ id: `d-${i}`, ...body })),
      seq: i + 1,
      at: 1_000,
    }),
  );
  const place = { namespace: 'converge', shard: 0, shards: 1 };
  const context = { now: 1_000, shard: 0, subjects: SUBJECTS };
  return decideBatch(decodeMessages(log, place), World.genesis(0, 1), NOTHING, context);
}

function submit(taskId: string, onBehalfOf?: string): DecisionInput {
  const body = { type: 'SubmitTask', taskId, objective: '' } as const;
  return onBehalfOf === undefined ? body : { ...body, onBehalfOf };
}

const grant = { type: 'Delegate', delegateeId: 'bob', scope: ['tasks'] };

it('events name who decided and for whom; in a Batch for whom each member was', () => {
  const { events } = decided([
    { agent: 'ann', body: grant },
    { agent: 'cid', body: grant },
    { agent: 'bob', body: submit('t-1', 'ann') },
    {
      agent: 'bob',
      body: {
        type: 'Batch',
        onBehalfOf: 'ann',
        decisions: [submit('t-2'), submit('t-3', 'cid'), submit('t-4', 'bob')],
      },
    },
  ]);
  const told = events.map(({ json }): ConvergeEvent => JSON.parse(json));
  expect(told.map(({ subject, actor, principal }) => [subject, actor, principal])).toEqual([
    ['delegation/d-0', 'ann', undefined],
    ['delegation/d-1', 'cid', undefined],
    ['task/t-1', 'bob', 'ann'],
    ['task/t-2', 'bob', 'ann'],
    ['task/t-3', 'bob', 'cid'],
    ['task/t-4', 'bob', undefined],
  ]);
});

it('the outcome is the acting agent’s, accepted or rejected', () => {
  const { outcomes } = decided([
    { agent: 'ann', body: grant },
    { agent: 'bob', body: submit('t-1', 'ann') },
    { agent: 'bob', body: submit('t-2', 'cid') },
  ]);
  const told = [...outcomes.values()].map((json): Outcome => JSON.parse(json));
  expect(told).toMatchObject([
    { agent: 'ann', status: 'accepted', data: { delegationId: 'd-0' } },
    { agent: 'bob', status: 'accepted' },
    { agent: 'bob', status: 'rejected', code: 'delegation_missing' },
  ]);
  expect([...outcomes.keys()]).toEqual(['commons.ann.d-0', 'commons.bob.d-1', 'commons.bob.d-2']);
});
