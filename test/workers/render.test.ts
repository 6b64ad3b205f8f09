import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppliedEvent } from '../../src/handlers/world/world.ts';
import type { Code } from '../../src/protocol/codes.ts';
import type { ConvergeEvent } from '../../src/protocol/event.ts';
import type { Json } from '../../src/protocol/json.ts';
import { bodyOf, type Outcome } from '../../src/protocol/outcome.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { type Applied, renderEvents, renderOutcome } from '../../src/workers/shard/render.ts';

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const json: fc.Arbitrary<Json> = fc
  .jsonValue({ maxDepth: 3 })
  .map((value): Json => JSON.parse(JSON.stringify(value)));
const applied: fc.Arbitrary<Applied> = fc.record({
  decisionId: name,
  type: name,
  agent: name,
  pool: name,
  body: fc.stringMatching(/^[\w-]{22}$/),
  shard: fc.nat(1_023),
  seq: fc.integer({ min: 1, max: 2 ** 45 }),
  at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
});

describe('outcomes and events are written as JSON.stringify would write them', () => {
  it('outcomes, with and without every optional member', () => {
    const result = fc.record(
      {
        status: fc.constantFrom('accepted', 'rejected'),
        code: fc.constantFrom<Code>('not_pending', 'rate_limited', 'internal_error'),
        message: fc.string({ unit: 'binary' }),
        transient: fc.boolean(),
        data: json,
        events: fc.constant([]),
        forgottenOutcomes: fc.constant(0),
      },
      { requiredKeys: ['status', 'events', 'forgottenOutcomes'] },
    );
    const ids = fc.array(fc.stringMatching(/^\d{1,4}-\d{1,9}-\d{1,3}$/), { maxLength: 4 });
    fc.assert(
      fc.property(applied, result, ids, (where, { status, code, message, transient, data }, events) => {
        const text = renderOutcome(
          where,
          {
            status: status === 'accepted' ? 'accepted' : 'rejected',
            ...(code === undefined ? {} : { code }),
            ...(message === undefined ? {} : { message }),
            ...(transient === undefined ? {} : { transient }),
            ...(data === undefined ? {} : { data }),
            events: [],
            forgottenOutcomes: 0,
          },
          events.map((id) => ({ id, subject: '', sequence: 1, json: '' })),
        );
        const { decisionId, type, agent, pool, body, shard, seq, at } = where;
        const outcome: Outcome = {
          ...{ decisionId, type, agent, pool, body, status: status === 'accepted' ? 'accepted' : 'rejected' },
          ...(code === undefined ? {} : { code }),
          ...(message === undefined ? {} : { message }),
          ...(transient === true ? { transient: true } : {}),
          ...(data === undefined ? {} : { data }),
          ...{ events, shard, seq, at },
        };
        expect(text).toBe(JSON.stringify(outcome));
        expect(bodyOf(text)).toBe(body);
      }),
    );
  });

  it('events, in somebody else’s name or not, and of what followed from another decision; internal ones not at all', () => {
    const place = fc.record({ pool: name, id: name, sequence: fc.integer({ min: 1, max: 2 ** 50 }) });
    fc.assert(
      fc.property(
        applied,
        place,
        json,
        fc.option(name),
        fc.option(fc.record({ place: fc.nat(), cause: name, actor: name })),
        (where, { pool, id, sequence }, result, principal, because) => {
          const event = { type: 'task.completed', id, data: { agent: 'a', epoch: 1, result } } as const;
          const named = principal === null ? {} : { principal };
          const happened: AppliedEvent[] = [
            { pool, event: { type: 'task.unreserved', id, data: {} }, sequence: undefined },
            { pool, event, sequence, ...named, ...(because === null ? {} : { because }) },
          ];
          const rendered = renderEvents(where, happened, subjects('ns'));
          const expected: ConvergeEvent = {
            specversion: '1.0',
            id: `${where.shard}-${where.seq}-0`,
            type: 'converge.task.completed',
            source: `/pools/${pool}`,
            subject: `task/${id}`,
            time: new Date(where.at).toISOString(),
            datacontenttype: 'application/json',
            sequence: String(sequence).padStart(16, '0'),
            causationid: because?.cause ?? where.decisionId,
            actor: because?.actor ?? where.agent,
            ...named,
            data: event.data,
          };
          const subject = `ns.events.${where.shard}.${pool}`;
          expect(rendered).toEqual([{ id: expected.id, subject, sequence, json: JSON.stringify(expected) }]);
        },
      ),
    );
  });
});

it.each(['pool.created', 'pool.updated'])('the digest of a token is told to nobody: %s', (type) => {
  const admission = { kind: 'token', sha256: 'ab'.repeat(32) } as const;
  const data = { owner: 'ann', topics: [], admission, submitters: 'anyone', defaults: {} } as const;
  const origin = { agent: 'ann', decisionId: 'd' };
  const event: AppliedEvent['event'] =
    type === 'pool.created'
      ? { type: 'pool.created', id: 'work', data: { ...data, origin } }
      : { type: 'pool.updated', id: 'work', data: { admission } };
  const where = { decisionId: 'd', type: 'x', agent: 'ann', pool: 'work', body: '', shard: 0, seq: 1, at: 0 };
  const [rendered] = renderEvents(where, [{ pool: 'work', event, sequence: 1 }], subjects('converge'));
  expect(rendered?.json).toContain('"kind":"token"');
  expect(rendered?.json).not.toContain(admission.sha256);
});
