/** What an id stands for, decided without servers: whatever arrives in whatever order, cut into whatever batches. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LogMessage } from '../../src/bus/log-message.ts';
import { World } from '../../src/handlers/world/world.ts';
import { bodyHash, decisionKey } from '../../src/protocol/outcome.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { decideBatch, decodeMessages } from '../../src/workers/shard/decide-batch.ts';

const PLACE = { namespace: 'ns', shard: 0, shards: 1 };
const START = 1_700_000_000_000;

const sent = fc.record({
  pool: fc.constantFrom('commons', 'p', 'q'),
  agent: fc.constantFrom('ann', 'bob'),
  id: fc.constantFrom('a', 'b', 'c'),
  fields: fc.constantFrom(
    '"type":"CreatePool"',
    '"type":"JoinPool"',
    '"type":"JoinPool","capabilities":["x"]',
    '"type":"SubmitTask","taskId":"t","objective":"o"',
    '"type":"Nonsense"',
    '"type": "JoinPool"',
  ),
});

interface Told {
  readonly key: string;
  readonly json: string;
}

function decideAll(messages: readonly LogMessage[], cuts: readonly number[]) {
  const world = World.genesis(0, 1);
  const remembered = new Map<string, string>();
  const told: Told[] = [];
  let now = START;
  const rest = decodeMessages(messages, PLACE);
  for (let i = 0; rest.length > 0; i++) {
    const batch = rest.splice(0, cuts[i % cuts.length] ?? 1);
    const decided = decideBatch(
      batch,
      world,
      { outcomes: remembered },
      { now, shard: 0, subjects: subjects('ns') },
    );
    for (const { key, json } of decided.records) remembered.set(key, json);
    for (const key of decided.results) told.push({ key, json: decided.outcomes.get(key) ?? '' });
    told.push(...decided.refusals);
    now = decided.now;
    world.takeChanges();
  }
  const { count, bytes } = world.outcomes;
  return { remembered, told, count, bytes };
}

it('whatever the log holds is applied, or answered by the first outcome of the same bytes; other bytes are id_reused', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(sent, { minLength: 1, maxLength: 40 }), cuts, (decisions, sizes) => {
      const messages = decisions.map(({ pool, agent, id, fields }, i) => ({
        seq: i + 1,
        at: START + i,
        subject: `ns.decisions.0.${pool}.${agent}`,
        data: Buffer.from(`{"id":"${id}",${fields}}`),
      }));
      const { remembered, told, count, bytes } = decideAll(messages, sizes);
      const firsts = new Map<string, { readonly seq: number; readonly body: string }>();
      for (const [i, { pool, agent, id }] of decisions.entries()) {
        const key = decisionKey(pool, agent, id);
        const body = bodyHash(messages[i]?.data ?? Buffer.of());
        const first = firsts.get(key) ?? { seq: i + 1, body };
        firsts.set(key, first);
        const answers = told.filter((each) => each.key === key).map(({ json }) => JSON.parse(json));
        const wanted =
          first.body === body
            ? { seq: first.seq, body }
            : { seq: i + 1, body, code: 'id_reused', events: [] };
        expect(answers).toContainEqual(expect.objectContaining({ pool, agent, decisionId: id, ...wanted }));
      }
      expect(told).toHaveLength(decisions.length);
      expect([...remembered.keys()].sort()).toEqual([...firsts.keys()].sort());
      for (const [key, json] of remembered) expect(JSON.parse(json)).toMatchObject(firsts.get(key) ?? {});
      expect(count).toBe(firsts.size);
      expect(bytes).toBe(
        [...remembered].reduce((sum, [key, json]) => sum + key.length + Buffer.byteLength(json), 0),
      );
      // However the log is cut, the same is remembered.
      expect(decideAll(messages, [1]).remembered).toEqual(remembered);
    }),
    { numRuns: 300 },
  );
});
