/** Whatever bytes arrive, each message gets a named rejection or becomes a dead letter, and no shard stops (I7). */
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { metricsOf, untilMetrics } from '../support/metrics.ts';
import type { RawAgent } from '../support/raw-agent.ts';
import { NO_SWEEPS, useSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const ROUNDS = 25;
const KIB = 1_024;

/** What becomes of a message: a rejection by its code, or a dead letter by (a part of) its reason. */
type Fate = { readonly code: string } | { readonly dead: string };

interface Bad {
  readonly what: string;
  readonly body: string | Uint8Array;
  readonly fate: Fate;
  /** `<shard>.<pool>.<agent>`, where it is not the right one. */
  readonly address?: string;
}

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels);
}

function badMessages(id: string, ownShard: number, pool: string, otherPool: string): Bad[] {
  const of = (fields: object): string => JSON.stringify({ id, ...fields });
  const submit = (fields: object): string =>
    of({ type: 'SubmitTask', taskId: 't', objective: 'o', ...fields });
  const raw = (fields: string): string =>
    `{"id":"${id}","type":"SubmitTask","taskId":"t","objective":"o",${fields}}`;
  const heartbeats = (count: number): object[] =>
    Array.from({ length: count }, () => ({ type: 'Heartbeat' }));
  return [
    { what: 'nothing', body: '', fate: { dead: 'not JSON' } },
    { what: 'no JSON', body: `{"id":"${id}"`, fate: { dead: 'not JSON' } },
    { what: 'no UTF-8', body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), fate: { dead: 'not UTF-8' } },
    { what: 'null', body: 'null', fate: { dead: 'not a JSON object' } },
    { what: 'a number', body: '7', fate: { dead: 'not a JSON object' } },
    { what: 'a list', body: `[${of({ type: 'Heartbeat' })}]`, fate: { dead: 'not a JSON object' } },
    {
      what: 'a fault whose path has a line break',
      body: '[{"a\\nb":1e999}]',
      fate: { dead: 'out of range' },
    },
    { what: 'no id', body: '{"type":"Heartbeat"}', fate: { dead: 'no valid id' } },
    { what: 'an id that is no name', body: '{"id":"a.b","type":"Heartbeat"}', fate: { dead: 'no valid id' } },
    { what: 'an id that is no text', body: '{"id":7,"type":"Heartbeat"}', fate: { dead: 'no valid id' } },
    { what: 'very deep nesting', body: nested(100_000), fate: { dead: 'nested deeper' } },
    { what: 'large rubbish', body: Buffer.alloc(600 * KIB, 'x'), fate: { dead: 'not JSON' } },
    {
      what: 'too many tokens',
      body: of({ type: 'Heartbeat' }),
      address: `${ownShard}.${pool}.ann.more`,
      fate: { dead: 'subject' },
    },
    {
      what: 'too few tokens',
      body: of({ type: 'Heartbeat' }),
      address: `${ownShard}.${pool}`,
      fate: { dead: 'subject' },
    },
    {
      what: 'a pool that is no name',
      body: of({ type: 'Heartbeat' }),
      address: `${ownShard}.p$.ann`,
      fate: { dead: 'subject' },
    },
    {
      what: 'an agent in Arabic',
      body: of({ type: 'Heartbeat' }),
      address: `${ownShard}.${pool}.\u0639\u0645\u0631`,
      fate: { dead: 'subject' },
    },
    {
      what: 'a long agent',
      body: of({ type: 'Heartbeat' }),
      address: `${ownShard}.${pool}.${'a'.repeat(65)}`,
      fate: { dead: 'subject' },
    },

    {
      what: 'a large decision',
      body: submit({ inputs: 'x'.repeat(300 * KIB) }),
      fate: { code: 'too_large' },
    },
    {
      what: 'a member named __proto__',
      body: raw('"__proto__":{"admin":true}'),
      fate: { code: 'invalid_decision' },
    },
    {
      what: 'a deep member named __proto__',
      body: raw('"inputs":{"a":[{"__proto__":1}]}'),
      fate: { code: 'invalid_decision' },
    },
    {
      what: 'the same member twice',
      body: raw('"priority":1,"priority":2'),
      fate: { code: 'invalid_decision' },
    },
    { what: 'a number out of range', body: raw('"inputs":1e400'), fate: { code: 'invalid_decision' } },
    {
      what: 'an integer that loses digits',
      body: raw('"inputs":9007199254740993'),
      fate: { code: 'invalid_decision' },
    },
    { what: 'a lone surrogate', body: raw('"inputs":"\\ud800"'), fate: { code: 'invalid_decision' } },
    {
      what: 'too many values',
      body: submit({ inputs: Array(20_001).fill(0) }),
      fate: { code: 'invalid_decision' },
    },
    { what: 'a field of another type', body: submit({ objective: 7 }), fate: { code: 'invalid_decision' } },
    {
      what: 'a field that is missing',
      body: of({ type: 'SubmitTask', taskId: 't' }),
      fate: { code: 'invalid_decision' },
    },
    {
      what: 'a field that does not exist',
      body: submit({ admin: true }),
      fate: { code: 'invalid_decision' },
    },
    {
      what: 'a task id that is no name',
      body: submit({ taskId: 'a b' }),
      fate: { code: 'invalid_decision' },
    },
    { what: 'no type', body: of({}), fate: { code: 'invalid_decision' } },
    { what: 'a type that does not exist', body: of({ type: 'constructor' }), fate: { code: 'unknown_type' } },
    {
      what: 'a Batch of nothing',
      body: of({ type: 'Batch', decisions: [] }),
      fate: { code: 'invalid_decision' },
    },
    {
      what: 'a Batch of too many',
      body: of({ type: 'Batch', decisions: heartbeats(101) }),
      fate: { code: 'invalid_decision' },
    },
    {
      what: 'a Batch in a Batch',
      body: of({ type: 'Batch', decisions: [{ type: 'Batch', decisions: heartbeats(1) }] }),
      fate: { code: 'unknown_type' },
    },
    { what: 'a Sweep of a pool', body: of({ type: 'Sweep' }), fate: { code: 'unknown_type' } },
    {
      what: 'a Sweep by an agent',
      body: of({ type: 'Sweep' }),
      address: `${ownShard}._shard.ann`,
      fate: { code: 'reserved_id' },
    },
    {
      what: 'an agent of the system',
      body: of({ type: 'Heartbeat' }),
      address: `${ownShard}.${pool}._me`,
      fate: { code: 'reserved_id' },
    },
    { what: 'a task of the system', body: submit({ taskId: '_t' }), fate: { code: 'reserved_id' } },
    {
      what: 'a pool of another shard',
      body: of({ type: 'CreatePool' }),
      address: `${ownShard}.${otherPool}.ann`,
      fate: { code: 'wrong_shard' },
    },
    { what: 'a pool that does not exist', body: submit({}), fate: { code: 'pool_not_found' } },
  ];
}

interface Sent extends Bad {
  readonly id: string;
  readonly seq: number;
  /** Where it went, when it names no other address. */
  readonly own: string;
}

async function sendAll(agent: RawAgent, ns: string, pools: readonly string[]): Promise<Sent[]> {
  const sent: Promise<Sent>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const shard = round % 2;
    const [own = '', other = ''] = shard === 0 ? pools : pools.toReversed();
    for (const [i, bad] of badMessages(`x-${round}`, shard, own, other).entries()) {
      const id = `x-${round}-${i}`;
      const body = typeof bad.body === 'string' ? bad.body.replaceAll(`x-${round}`, id) : bad.body;
      const subject = `${ns}.decisions.${bad.address ?? `${shard}.${own}.ann`}`;
      sent.push(
        agent.sendRaw(subject, body).then(({ seq }) => ({ ...bad, id, seq, own: `${shard}.${own}.ann` })),
      );
    }
    await Promise.all(sent);
  }
  return await Promise.all(sent);
}

it('a thousand malformed messages: each gets what it deserves, and what is right after them is applied', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const space = system.space(NO_SWEEPS);
  const worker = await space.worker({ httpPort: 0 }, logger);
  const agent = await space.agent('ann');
  const pools = [space.poolOn(0), space.poolOn(1)];
  const sent = await sendAll(agent, space.ns, pools);
  expect(sent.length).toBeGreaterThanOrEqual(1_000);
  for (const pool of pools)
    expect((await agent.decide(pool, { type: 'CreatePool' })).status).toBe('accepted');

  await space.published();
  const letters = new Map(
    (await space.messages('DEADLETTERS')).map(({ subject, header, data }) => [
      Number(header('Converge-Seq')),
      { shard: Number(subject.split('.').at(-1)), reason: header('Converge-Reason'), bytes: data.length },
    ]),
  );
  const wrong: unknown[] = [];
  for (const { id, seq, what, fate, address, own } of sent) {
    const letter = letters.get(seq);
    const [, pool, author] = (address ?? own).split('.');
    const { ok } = await agent.query('outcome', { pool, agent: author, decisionId: id });
    const isAsItShould =
      'dead' in fate
        ? letter?.reason.includes(fate.dead) && ok === undefined
        : ok?.code === fate.code && ok.seq === seq;
    if (!isAsItShould) wrong.push({ what, fate, letter, ok });
  }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(letters.size).toBe(sent.filter(({ fate }) => 'dead' in fate).length);

  await untilMetrics(worker, new RegExp(`^converge_dead_letters_total ${letters.size}$`, 'm'));
  expect(await metricsOf(worker)).toMatch(/converge_handler_faults_total 0/);
  expect(worker.notReady()).toEqual([]);
  expect(lines).toEqual([]);
});

it('rubbish on the subjects that workers listen to does not disturb them', async () => {
  const space = system.space();
  await space.worker();
  const agent = await space.agent('ann');
  for (const subject of [
    'results._sweeper.x',
    'results._sweeper.y.z',
    'sweeps',
    'events.p.task.t.done',
    'deadletters.0',
  ]) {
    for (const payload of ['', 'no JSON', '{"decisionId":7}', 'null', Buffer.from([0xff])]) {
      agent.nats.publish(`${space.ns}.${subject}`, payload);
    }
  }
  await agent.nats.flush();
  expect((await agent.decide('p', { type: 'CreatePool' })).status).toBe('accepted');
  await agent.decide('p', { type: 'JoinPool' });
  await agent.decide('p', {
    type: 'SubmitTask',
    taskId: 't',
    objective: 'o',
    constraints: { claimTtlMs: 50 },
  });
  await agent.decide('p', { type: 'ClaimTask', taskId: 't' });
  await vi.waitFor(
    async () => expect((await agent.query('task', { pool: 'p', taskId: 't' })).ok.state).toBe('pending'),
    { timeout: 5_000 },
  );
});
