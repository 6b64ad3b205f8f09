import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../src/protocol/codes.ts';
import { SINGLE_DECISIONS } from '../../src/protocol/decisions/index.ts';
import { type Decoded, decode, type LogPlace } from '../../src/protocol/decode.ts';
import { MAX_DECISION_BYTES } from '../../src/protocol/limits.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { character } from './characters.ts';

const PLACE: LogPlace = { namespace: 'converge', shard: 0, shards: 1 };
const SUBJECT = subjects().decision('work', 'ann', 1);
const SWEEPS = 'converge.decisions.0._shard._sweeper';
const OPERATOR = 'converge.decisions.0.work._operator';

const decodeText = (text: string, subject = SUBJECT, place = PLACE): Decoded =>
  decode(subject, Buffer.from(text), place);
const decodeBody = (body: object, subject = SUBJECT, place = PLACE): Decoded =>
  decodeText(JSON.stringify(body), subject, place);

const submit = { id: 'd-1', type: 'SubmitTask', taskId: 't-1', objective: 'o' };

describe('a decision', () => {
  it('is read with who decided and where, as the subject says', () => {
    expect(decodeBody(submit)).toEqual({
      kind: 'decision',
      address: { shard: 0, pool: 'work', agent: 'ann' },
      decision: submit,
    });
  });

  it('who decided is never read from the body', () => {
    expect(decodeBody({ ...submit, agent: 'eve' })).toMatchObject({
      kind: 'rejected',
      code: 'invalid_decision',
    });
  });

  it.each(Object.keys(SINGLE_DECISIONS))('%s is a type that is known', (type) => {
    const decoded = decodeBody({ id: 'd-1', type });
    if (decoded.kind === 'rejected') expect(decoded.code).toBe('invalid_decision');
    else expect(decoded.kind).toBe('decision');
  });

  it('a Sweep on the shard’s own subject', () => {
    expect(decodeBody({ id: 's-1', type: 'Sweep', limit: 5 }, SWEEPS)).toMatchObject({
      kind: 'decision',
      decision: { type: 'Sweep', limit: 5 },
    });
  });

  it.each(['BanAgent', 'UnbanAgent'])('%s on a shard’s own subject, by an operator of the system', (type) => {
    const body = { id: 'd-1', type, agentId: 'eve' };
    expect(decodeBody(body, 'converge.decisions.0._shard._operator')).toMatchObject({
      kind: 'decision',
      decision: { type, agentId: 'eve' },
    });
  });

  it.each([
    { type: 'PausePool' },
    { type: 'BanAgent', agentId: 'eve' },
    { type: 'ForceRelease', taskId: 't-1' },
  ])('$type in any pool, by an operator of the system', (fields) => {
    expect(decodeBody({ id: 'd-1', ...fields }, OPERATOR).kind).toBe('decision');
  });
});

describe('a dead letter: nobody can be answered', () => {
  it.each([
    ['another subject', 'converge.decisions.0.work', JSON.stringify(submit), /subject/],
    ['a name that is none', 'converge.decisions.0.wo rk.ann', JSON.stringify(submit), /subject/],
    ['another namespace', 'other.decisions.0.work.ann', JSON.stringify(submit), /subject/],
    ['no JSON', SUBJECT, 'hello', /^not JSON$/],
    ['nothing', SUBJECT, '', /^not JSON$/],
    ['a list', SUBJECT, '[]', /^not a JSON object$/],
    ['null', SUBJECT, 'null', /^not a JSON object$/],
    ['a text', SUBJECT, '"d-1"', /^not a JSON object$/],
    ['too much nesting', SUBJECT, `{"id":"d-1","a":${'['.repeat(40)}${']'.repeat(40)}}`, /deeper/],
    ['no id', SUBJECT, '{"type":"Heartbeat"}', /^no valid id$/],
    ['a number as id', SUBJECT, '{"id":1,"type":"Heartbeat"}', /^no valid id$/],
    ['an empty id', SUBJECT, '{"id":"","type":"Heartbeat"}', /^no valid id$/],
    ['an id that cannot stand in a subject', SUBJECT, '{"id":"d.1","type":"Heartbeat"}', /^no valid id$/],
    ['an id that is too long', SUBJECT, `{"id":"${'d'.repeat(65)}","type":"Heartbeat"}`, /^no valid id$/],
  ])('%s', (_, subject, text, reason) => {
    const decoded = decodeText(text, subject);
    expect(decoded.kind).toBe('dead');
    expect(decoded.kind === 'dead' ? decoded.reason : '').toMatch(reason);
  });

  it('malformed UTF-8', () => {
    const bytes = Buffer.from(JSON.stringify(submit).replace('"o"', '"\xff"'), 'latin1');
    expect(decode(SUBJECT, bytes, PLACE)).toEqual({ kind: 'dead', reason: 'not UTF-8' });
  });

  it('its reason is short, however long what was sent', () => {
    const decoded = decodeText(`[{"${'x'.repeat(100_000)}":1e400}]`);
    expect(decoded.kind === 'dead' ? decoded.reason.length : Number.NaN).toBeLessThan(400);
  });
});

describe('a rejection: the author is known and is answered', () => {
  const rejected = (decoded: Decoded) => {
    if (decoded.kind !== 'rejected') throw new Error(`not rejected: ${JSON.stringify(decoded)}`);
    return decoded;
  };

  it('names the id, the type and the author', () => {
    expect(decodeBody({ id: 'd-7', type: 'ClaimTask' })).toMatchObject({
      kind: 'rejected',
      address: { pool: 'work', agent: 'ann' },
      id: 'd-7',
      type: 'ClaimTask',
      code: 'invalid_decision',
    });
  });

  it('too_large from one byte over the limit on, measured in bytes', () => {
    const empty = JSON.stringify({ ...submit, inputs: '' });
    const filled = (bytes: number) => empty.replace('"inputs":""', `"inputs":"${'x'.repeat(bytes)}"`);
    const room = MAX_DECISION_BYTES - empty.length;
    expect(decodeText(filled(room)).kind).toBe('decision');
    expect(rejected(decodeText(filled(room + 1)))).toMatchObject({
      code: 'too_large',
      id: 'd-1',
      message: `${MAX_DECISION_BYTES + 1} bytes; a decision has at most ${MAX_DECISION_BYTES}`,
    });
    expect(rejected(decodeText(filled(room - 1).replace('xxx', 'xx€')))).toMatchObject({ code: 'too_large' });
  });

  it('too_large comes first: whatever else is wrong with it', () => {
    const long = 'x'.repeat(MAX_DECISION_BYTES);
    expect(rejected(decodeBody({ id: 'd-1', type: long })).code).toBe('too_large');
    expect(rejected(decodeText(`{"id":"d-1","a":1e400,"b":"${long}"}`)).code).toBe('too_large');
  });

  it.each([
    ['{"id":"d-1","type":"Heartbeat","type":"Heartbeat"}', /same member twice/],
    ['{"id":"d-1","type":"Heartbeat","__proto__":{"x":1}}', /__proto__/],
    ['{"id":"d-1","type":"SubmitTask","inputs":[1e400]}', /^inputs\[0\]: number out of range/],
    ['{"id":"d-1","type":"SubmitTask","inputs":{"n":12345678901234567890}}', /^inputs\.n: integer beyond/],
    ['{"id":"d-1","type":"SubmitTask","objective":"\\ud800"}', /^objective: lone surrogate/],
  ])('invalid_decision for %s', (text, message) => {
    expect(rejected(decodeText(text))).toMatchObject({ code: 'invalid_decision', id: 'd-1' });
    expect(rejected(decodeText(text)).message).toMatch(message);
  });

  it('wrong_shard: the pool belongs to another, whoever says what', () => {
    const place = { namespace: 'converge', shard: 0, shards: 16 };
    const right = subjects().decision('work', 'ann', 16);
    const shard = Number(right.split('.')[2]);
    expect(decodeBody(submit, right, { ...place, shard }).kind).toBe('decision');
    const other = (shard + 1) % 16;
    const wrong = `converge.decisions.${other}.work.ann`;
    expect(rejected(decodeBody(submit, wrong, { ...place, shard: other })).code).toBe('wrong_shard');
    expect(rejected(decodeBody(submit, right, { ...place, shard: other })).code).toBe('wrong_shard');
    const sweep = { id: 's-1', type: 'Sweep' };
    expect(rejected(decodeBody(sweep, SWEEPS, { ...place, shard: 3 })).code).toBe('wrong_shard');
  });

  it('wrong_shard says which one is right', () => {
    const place = { namespace: 'converge', shard: 5, shards: 16 };
    const shard = subjects().decision('work', 'ann', 16).split('.')[2];
    const { message } = rejected(decodeBody(submit, 'converge.decisions.5.work.ann', place));
    expect(message).toBe(`pool work belongs to shard ${shard}`);
    expect(rejected(decodeBody({ id: 's-1', type: 'Sweep' }, SWEEPS, place)).message).toBe('this is shard 5');
  });

  it.each<[string, string, object, string]>([
    ['the agent', 'converge.decisions.0.work._ann', submit, 'agent _ann'],
    ['the agent, though it be the sweeper', 'converge.decisions.0.work._sweeper', submit, 'agent _sweeper'],
    ['the agent, though it be the operator, for what others decide', OPERATOR, submit, 'agent _operator'],
    [
      'the agent, for what the operator decides',
      'converge.decisions.0.work._ann',
      { id: 'd-1', type: 'PausePool' },
      'agent _ann',
    ],
    ['the pool', 'converge.decisions.0._work.ann', submit, 'pool _work'],
    ['the shard as a whole', 'converge.decisions.0._shard.ann', { id: 's-1', type: 'Sweep' }, 'pool _shard'],
    ['the id', SUBJECT, { ...submit, id: '_d' }, 'id: '],
    ['the task', SUBJECT, { ...submit, taskId: '_t' }, 'taskId: '],
    [
      'the auction',
      SUBJECT,
      { id: 'd', type: 'OpenAuction', auctionId: '_a', kind: 'english', closesAt: 1 },
      'auctionId: ',
    ],
    [
      'the vote',
      SUBJECT,
      {
        id: 'd',
        type: 'OpenVote',
        voteId: '_v',
        question: '',
        options: ['a', 'b'],
        method: 'borda',
        closesAt: 1,
      },
      'voteId: ',
    ],
    [
      'the session',
      SUBJECT,
      { id: 'd', type: 'OpenNegotiation', sessionId: '_s', participants: ['ann', 'bob'], proposal: 1 },
      'sessionId: ',
    ],
    ['the id of a Batch', SUBJECT, { id: '_b', type: 'Batch', decisions: [submit] }, 'id'],
    [
      'the id of a member',
      SUBJECT,
      { id: 'b', type: 'Batch', decisions: [{ ...submit, id: '_d' }] },
      'decisions[0].id: ',
    ],
  ])('reserved_id: %s', (_, subject, body, what) => {
    const { code, message } = rejected(decodeBody(body, subject));
    expect(code).toBe('reserved_id');
    expect(message.startsWith(what), message).toBe(true);
  });

  it.each(['BanAgent', 'UnbanAgent'])('not_allowed: %s in a whole shard, by the sweeper', (type) => {
    expect(rejected(decodeBody({ id: 'd-1', type, agentId: 'eve' }, SWEEPS))).toMatchObject({
      code: 'not_allowed',
      message: `only operators of the system may decide ${type}`,
    });
  });

  it.each(['SubmitTask', 'PausePool', 'Batch', 'Nonsense'])('unknown_type: %s in a whole shard', (type) => {
    const subject = 'converge.decisions.0._shard._operator';
    expect(rejected(decodeBody({ id: 'd-1', type }, subject))).toMatchObject({
      code: 'unknown_type',
      message: expect.stringContaining('Sweep, Settle, Pressure, BanAgent and UnbanAgent'),
    });
  });

  it('invalid_decision names the path of what a whole shard takes, too', () => {
    const operator = 'converge.decisions.0._shard._operator';
    const limit = rejected(decodeBody({ id: 's-1', type: 'Sweep', limit: 0 }, SWEEPS));
    expect(limit.message).toMatch(/^limit: /);
    const agent = rejected(decodeBody({ id: 'd-1', type: 'BanAgent', agentId: 5 }, operator));
    expect(agent.message).toMatch(/^agentId: /);
  });

  it.each(['Sweep', 'submitTask', 'Nonsense', 'constructor', '__proto__', 'toString', ''])(
    'unknown_type: %j',
    (type) => {
      expect(rejected(decodeBody({ id: 'd-1', type })).code).toBe('unknown_type');
    },
  );

  it('unknown_type gives back what could have been a type', () => {
    expect(rejected(decodeBody({ id: 'd-1', type: 'submitTask' }))).toMatchObject({
      type: 'submitTask',
      message: 'type: submitTask',
    });
  });

  it('what is no text is no type', () => {
    expect(rejected(decodeBody({ id: 'd-1', type: 7 }))).toMatchObject({
      type: 'unknown',
      message: 'type: required',
    });
  });

  it('unknown_type does not give back what cannot be a name', () => {
    const { type, message } = rejected(decodeBody({ id: 'd-1', type: `<script>${'x'.repeat(10_000)}` }));
    expect(type).toBe('unknown');
    expect(message.length).toBeLessThan(100);
  });

  it.each([
    [{}, 'type'],
    [{ type: 7 }, 'type'],
    [{ type: null }, 'type'],
    [{ ...submit, taskId: undefined }, 'taskId'],
    [{ ...submit, taskId: 'no spaces' }, 'taskId'],
    [{ ...submit, taskId: 't'.repeat(65) }, 'taskId'],
    [{ ...submit, objective: 5 }, 'objective'],
    [{ ...submit, objective: 'o'.repeat(16_385) }, 'objective'],
    [{ ...submit, priority: 1.5 }, 'priority'],
    [{ ...submit, priority: '1' }, 'priority'],
    [{ ...submit, priority: 1_000_000_001 }, 'priority'],
    [{ ...submit, topic: '' }, 'topic'],
    [{ ...submit, deadline: -1 }, 'deadline'],
    [{ ...submit, deadline: 253_402_300_800_000 }, 'deadline'],
    [{ ...submit, dependsOn: ['t-0', 'no spaces'] }, 'dependsOn[1]'],
    [{ ...submit, dependsOn: Array.from({ length: 101 }, (_, i) => `t-${i}`) }, 'dependsOn'],
    [{ ...submit, requiredCapabilities: ['a', ['b', 3]] }, 'requiredCapabilities[1]'],
    [{ ...submit, requiredCapabilities: [[]] }, 'requiredCapabilities[0]'],
    [{ ...submit, constraints: { claimTtlMs: 0 } }, 'constraints.claimTtlMs'],
    [{ ...submit, constraints: { claimTtlMs: 366 * 86_400_000 + 1 } }, 'constraints.claimTtlMs'],
    [{ ...submit, constraints: { maxAttempts: 0 } }, 'constraints.maxAttempts'],
    [{ ...submit, constraints: { backoffMs: -1 } }, 'constraints.backoffMs'],
    [{ ...submit, constraints: { region: ['eu'] } }, 'constraints.region'],
    [{ ...submit, constraints: { region: null } }, 'constraints.region'],
    [{ ...submit, onBehalfOf: null }, 'onBehalfOf'],
    [{ id: 'd-1', type: 'ReportTask', taskId: 't-1' }, 'result'],
    [{ id: 'd-1', type: 'ReportTask', taskId: 't-1', result: 1, epoch: 0 }, 'epoch'],
    [{ id: 'd-1', type: 'FailTask', taskId: 't-1' }, 'reason'],
    [{ id: 'd-1', type: 'FailTask', taskId: 't-1', reason: 'r'.repeat(2_049) }, 'reason'],
    [{ id: 'd-1', type: 'RenewClaim', taskId: 't-1', progress: '0.5' }, 'progress'],
    [{ id: 'd-1', type: 'ClaimNextTask', topics: 'x' }, 'topics'],
    [{ id: 'd-1', type: 'JoinPool', capabilities: ['ok', 5] }, 'capabilities[1]'],
    [{ id: 'd-1', type: 'JoinPool', presenceMs: 0 }, 'presenceMs'],
    [{ id: 'd-1', type: 'CreatePool', capacity: 0 }, 'capacity'],
    [{ id: 'd-1', type: 'CreatePool', submitters: 'nobody' }, 'submitters'],
    [{ id: 'd-1', type: 'CreatePool', maxClaimsPerAgent: 1_001 }, 'maxClaimsPerAgent'],
    [{ id: 'd-1', type: 'CreatePool', admission: 'closed' }, 'admission'],
    [{ id: 'd-1', type: 'CreatePool', defaults: { maxExpiries: 0 } }, 'defaults.maxExpiries'],
    [{ id: 'd-1', type: 'Batch' }, 'decisions'],
    [{ id: 'd-1', type: 'Batch', decisions: {} }, 'decisions'],
    [{ id: 'd-1', type: 'Batch', decisions: [], atomic: 'yes' }, 'atomic'],
    [{ id: 'd-1', type: 'Batch', decisions: ['ClaimTask'] }, 'decisions[0]'],
    [{ id: 'd-1', type: 'Batch', decisions: [submit, { taskId: 't-2' }] }, 'decisions[1].type'],
    [{ id: 'd-1', type: 'Batch', decisions: [submit, { ...submit, id: 'd.1' }] }, 'decisions[1].id'],
    [
      { id: 'd-1', type: 'Batch', decisions: [submit, { ...submit, dependsOn: ['ok', 'not ok'] }] },
      'decisions[1].dependsOn[1]',
    ],
  ])('invalid_decision: %j names the path %s', (body, path) => {
    const { code, message } = rejected(decodeBody({ id: 'd-1', ...body }));
    expect(code).toBe('invalid_decision');
    expect(message.startsWith(`${path}: `), message).toBe(true);
  });

  it.each([
    [{ ...submit, priorty: 1 }, /^\(the decision\): .*priorty/],
    [{ id: 'd-1', type: 'Heartbeat', note: 'n' }, /^\(the decision\): .*note/],
    [{ id: 'd-1', type: 'Batch', decisions: [{ ...submit, priorty: 1 }] }, /^decisions\[0\]: .*priorty/],
    [{ id: 'd-1', type: 'Batch', decisions: [submit], order: 1 }, /^\(the decision\): .*order/],
  ])('invalid_decision: a field that does not exist is named', (body, message) => {
    expect(rejected(decodeBody(body))).toMatchObject({ code: 'invalid_decision' });
    expect(rejected(decodeBody(body)).message).toMatch(message);
  });

  it.each([
    ['Batch', 'unknown_type'],
    ['Sweep', 'unknown_type'],
    ['Nonsense', 'unknown_type'],
  ])('a Batch takes no %s as a member', (type, code) => {
    const body = { id: 'd-1', type: 'Batch', decisions: [submit, { type, decisions: [submit] }] };
    expect(rejected(decodeBody(body)).code).toBe(code);
    expect(rejected(decodeBody(body)).message).toBe(`decisions[1].type: ${type}`);
  });

  it('the first fault of several members is the one that is told', () => {
    const decisions = [submit, { ...submit, taskId: '' }, { ...submit, objective: 1 }];
    expect(rejected(decodeBody({ id: 'd-1', type: 'Batch', decisions })).message).toMatch(
      /^decisions\[1\]\.taskId: /,
    );
  });

  it('its message is short and whole, however long what was sent', () => {
    for (const long of ['x'.repeat(50_000), '😀'.repeat(25_000), `x${'😀'.repeat(25_000)}`]) {
      const bodies = [
        { ...submit, [long]: 1 },
        { ...submit, taskId: long },
        { ...submit, constraints: { [long]: null } },
        { ...submit, type: long },
      ];
      for (const body of bodies) {
        const { message } = rejected(decodeBody(body));
        expect(message.length).toBeLessThanOrEqual(600);
        expect(message.isWellFormed()).toBe(true);
      }
    }
  });
});

describe('a Batch', () => {
  const batch = (fields: object, ...decisions: object[]) =>
    decodeBody({ id: 'b-1', type: 'Batch', decisions, ...fields });

  it('gives its id to members without one, and its principal', () => {
    const decoded = batch(
      { onBehalfOf: 'bob' },
      { type: 'Heartbeat' },
      { type: 'Heartbeat', id: 'own', onBehalfOf: 'cyd' },
    );
    expect(decoded).toMatchObject({
      kind: 'decision',
      decision: {
        type: 'Batch',
        decisions: [
          { id: 'b-1', type: 'Heartbeat', onBehalfOf: 'bob' },
          { id: 'own', type: 'Heartbeat', onBehalfOf: 'cyd' },
        ],
      },
    });
  });
});

describe('a number that would lose digits is refused wherever it stands', () => {
  const number = '99999999999.123462';
  it.each([
    ['SubmitBid', 'amount', `"auctionId":"a","amount":${number}`],
    ['SubmitBid', 'content.price', `"auctionId":"a","amount":1,"content":{"price":${number}}`],
    ['OpenAuction', 'increment[0].step', `"auctionId":"a","kind":"english","increment":[{"step":${number}}]`],
    [
      'OpenNegotiation',
      'proposal.price',
      `"sessionId":"s","participants":["a","b"],"proposal":{"price":${number}}`,
    ],
    ['Propose', 'content[1]', `"sessionId":"s","content":[1,${number}]`],
    ['ReportTask', 'result', `"taskId":"t","result":${number}`],
    ['SubmitTask', 'constraints.cpu', `"taskId":"t","objective":"o","constraints":{"cpu":${number}}`],
    ['Batch', 'decisions[0].amount', `"decisions":[{"type":"SubmitBid","auctionId":"a","amount":${number}}]`],
  ])('%s: %s', (type, path, fields) => {
    expect(decodeText(`{"id":"d-1","type":"${type}",${fields}}`)).toMatchObject({
      kind: 'rejected',
      id: 'd-1',
      code: 'invalid_decision',
      message: `${path}: number ${number} would lose digits; send it as a string`,
    });
  });
});

describe('a Batch that delegates', () => {
  it('gives each delegation an id of its own, since that names it', () => {
    const fields = { type: 'Delegate', delegateeId: 'bob', scope: ['tasks'] };
    const decisions = [fields, { type: 'Heartbeat' }, fields, { ...fields, id: 'own' }];
    const decoded = decodeBody({ id: 'b-1', type: 'Batch', decisions });
    if (decoded.kind !== 'decision' || decoded.decision.type !== 'Batch') throw new Error(decoded.kind);
    expect(decoded.decision.decisions.map(({ id }) => id)).toEqual(['b-1-0', 'b-1', 'b-1-2', 'own']);
  });
});

describe('whatever arrives', () => {
  const subject = fc.oneof(
    { weight: 4, arbitrary: fc.constant(SUBJECT) },
    { weight: 1, arbitrary: fc.constant(SWEEPS) },
    { weight: 1, arbitrary: fc.string({ unit: character }).map((tail) => `converge.decisions.0.${tail}`) },
  );

  function expectOneOfThree(decoded: Decoded): void {
    if (decoded.kind === 'dead') {
      expect(decoded.reason.length).toBeGreaterThan(0);
      return;
    }
    expect(decoded.address.agent).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    if (decoded.kind === 'decision') return;
    expect(Object.keys(CODES)).toContain(decoded.code);
    expect(decoded.id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(decoded.type).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(decoded.message.isWellFormed()).toBe(true);
  }

  it('nothing throws: arbitrary bytes', () => {
    fc.assert(
      fc.property(subject, fc.uint8Array({ maxLength: 300 }), (where, bytes) => {
        expectOneOfThree(decode(where, bytes, PLACE));
      }),
      { numRuns: 500 },
    );
  });

  it('nothing throws: arbitrary JSON', () => {
    fc.assert(
      fc.property(subject, fc.jsonValue({ stringUnit: character }), (where, value) => {
        expectOneOfThree(decode(where, Buffer.from(JSON.stringify(value)), PLACE));
      }),
      { numRuns: 500 },
    );
  });

  it('nothing throws: what is nearly a decision', () => {
    const type = fc.constantFrom(...Object.keys(SINGLE_DECISIONS), 'Batch', 'Sweep', 'Other');
    const field = fc.constantFrom(
      ...['taskId', 'objective', 'inputs', 'constraints', 'dependsOn', 'requiredCapabilities', 'admission'],
      ...[
        'decisions',
        'epoch',
        'result',
        'reason',
        'limit',
        'topics',
        'settings',
        'until',
        'onBehalfOf',
        'token',
      ],
    );
    const value = fc.oneof(fc.jsonValue({ stringUnit: character }), fc.constantFrom('t-1', 1, [], {}, true));
    const body = fc
      .tuple(type, fc.array(fc.tuple(field, value), { maxLength: 5 }))
      .map(([name, fields]) => ({ ...Object.fromEntries(fields), id: 'd-1', type: name }));
    fc.assert(
      fc.property(subject, body, fc.array(body, { maxLength: 3 }), (where, single, members) => {
        expectOneOfThree(decodeBody(single, where));
        expectOneOfThree(decodeBody({ id: 'b-1', type: 'Batch', decisions: members }, where));
      }),
      { numRuns: 1_000 },
    );
  });

  it('what is accepted is the same again when it is written and read again', () => {
    const accepted = [
      submit,
      {
        ...submit,
        requiredCapabilities: ['a', ['b', 'c']],
        constraints: { cpu: 1, region: 'eu' },
        inputs: [null],
      },
      { id: 'd-1', type: 'CreatePool', admission: { kind: 'token', sha256: 'a'.repeat(64) } },
      { id: 'd-1', type: 'Batch', atomic: true, decisions: [submit, { type: 'Heartbeat' }] },
    ];
    for (const body of accepted) {
      const first = decodeBody(body);
      if (first.kind !== 'decision') throw new Error(`not accepted: ${JSON.stringify(first)}`);
      expect(decodeBody(first.decision)).toEqual(first);
    }
  });
});
