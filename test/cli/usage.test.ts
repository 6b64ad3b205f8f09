import { describe, expect, it } from 'vitest';
import { SINGLE_DECISIONS } from '../../src/protocol/decisions/index.ts';
import { QUERIES } from '../../src/protocol/queries.ts';
import { freePort } from '../../src/servers/index.ts';
import { jsonOf, useConverge } from './command.ts';
import { runHere } from './in-process.ts';

const converge = useConverge();

describe('what is typed wrong', () => {
  it('no command at all is answered with the help, on stderr', async () => {
    const { code, stdout, stderr } = await runHere([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: converge');
  });

  it.each([
    [['publsh'], "unknown command 'publsh'\n(Did you mean publish?)"],
    [['doctor', '--jsn'], "unknown option '--jsn'\n(Did you mean --json?)"],
    [['tail', 'evnts'], 'Allowed choices are events, results, sweeps, deadletters'],
    [['query', 'taks'], 'there is no query taks; did you mean tasks?'],
    [['query', 'task', 'pool=p'], 'query task: taskId: '],
    [['query', 'tasks', 'limit=0'], 'query tasks: limit: '],
    [['publish', 'p', 'SubmitTsk', 'taskId=t'], 'did you mean SubmitTask?'],
    [['publish', 'p', 'SubmitTask', 'taskId=t'], 'invalid_decision: objective: '],
    [['publish', 'p', 'RenewClaim', 'taskId=t', 'progress=2'], 'invalid_decision: progress: '],
    [['publish', 'p', 'Batch', '{"decisions": [{"type": "ClaimTask"}]}'], 'decisions[0].taskId: '],
    [
      ['publish', 'p', 'SubmitTask', 'taskId=t', 'objectve=x'],
      'there is no field objectve; did you mean objective?',
    ],
    [['query', 'tasks', 'pol=p'], 'there is no field pol; did you mean pool?'],
    [['publish', 'p', 'SubmitTask', 'taskId=t', 'objective=x', 'priority=99999999999'], 'priority: Too big'],
    [['worker', '--shards', 'abc'], 'Expected a whole number.'],
    [['worker', '--shards', '1e2'], 'Expected a whole number.'],
    [['publish', 'p.q', 'CreatePool'], 'Letters, digits, _ and -'],
    [['publish', 'p', 'CreatePool', '--agent', '_system'], 'reserved for the system'],
    [['publish', '_shard', 'CreatePool'], 'reserved_id'],
    [['publish', 'p', 'CreatePool', 'capacity'], '"capacity" is neither key=value nor a JSON object'],
    [['publish', 'p', 'CreatePool', 'capacity=1', 'capacity=2'], 'capacity is given twice'],
    [['publish', 'p', 'CreatePool', '{"a": 1, "a": 2}'], 'names the same member twice'],
    [['publish', 'p', 'CreatePool', '--timeout', 'soon'], 'A duration like 500ms, 5s or 2m.'],
    [['publish', 'p'], 'the type of the decision is missing'],
    [['tail', 'results', '--since', 'all'], 'results are not stored'],
    [['tail', 'events', '--count', '0'], 'A positive integer.'],
    [['worker', '--shards', '0'], "option '--shards <number>' argument '0' is invalid"],
    [['worker', '--log-level', 'loud'], "option '--log-level <level>' argument 'loud' is invalid"],
    [
      ['dev', '--ephemeral', '--data-dir', 'x'],
      "option '--data-dir <dir>' cannot be used with option '--ephemeral'",
    ],
    [
      ['dev', '--nats', 'nats://x', '--nats-port', '4222'],
      '--nats-port applies to a server that is started here',
    ],
    [['schema', 'decision.SubmitTsk'], 'did you mean decision.SubmitTask?'],
  ])('%j is a usage error that says what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('is told in a few lines, however long what was typed', async () => {
    const { code, stderr } = await runHere(['query', 'task', `x.${'y'.repeat(100_000)}`]);
    expect(code).toBe(2);
    expect(stderr).toContain('x.yyy');
    expect(stderr.length).toBeLessThan(5_000);
  });

  it('is told as JSON on stderr where JSON is asked for', async () => {
    const { code, stdout, stderr } = await runHere(['publish', 'p', 'ClaimTask', '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ name: 'UsageError', exitCode: 2 });
    expect(error.message).toContain('invalid_decision: taskId: ');
  });
});

describe('configuration', () => {
  it.each([
    [{ CONVERGE_SHARD: '4' }, 'CONVERGE_SHARD is not a setting; did you mean CONVERGE_SHARDS?'],
    [{ CONVERGE_SHARDS: 'many' }, 'CONVERGE_SHARDS: expected a whole number, not "many"'],
    [{ CONVERGE_NAMESPACE: 'a.b' }, 'CONVERGE_NAMESPACE: expected 1 to 32 letters'],
  ])('%j is refused with 78', async (env, message) => {
    for (const args of [['worker'], ['query', 'stats'], ['dev', '--ephemeral']]) {
      const { code, stdout, stderr } = await runHere(args, env);
      expect({ args, code, stdout }).toEqual({ args, code: 78, stdout: '' });
      expect(stderr).toContain(message);
    }
  });

  it('is the first thing that the doctor looks at', async () => {
    const ended = await runHere(['doctor', '--json'], { CONVERGE_SHARDS: 'many' });
    expect(ended.code).toBe(78);
    expect(jsonOf(ended)).toMatchObject({ ok: false, checks: [{ name: 'config', status: 'fail' }] });
  });
});

describe('servers that are not there', () => {
  it.each([
    ['publish', ['publish', 'p', 'CreatePool']],
    ['query', ['query', 'stats']],
    ['tail', ['tail', 'events']],
    ['worker', ['worker']],
    ['digest', ['digest']],
    ['rebuild', ['rebuild']],
  ])('end %s with 69 and the reason', async (_, args) => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const urls = ['--nats', `nats://me:secret@${nowhere}`, '--redis', `redis://:secret@${nowhere}`];
    const { code, stdout, stderr } = await converge([...args, ...urls, '--json']);
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(JSON.parse(stderr).error).toMatchObject({ name: 'UnavailableError', exitCode: 69 });
    expect(stderr).toContain(nowhere);
    expect(stderr).not.toContain('secret');
  });

  it('end dev with 69 when no server can be found or started', async () => {
    const env = { CONVERGE_NATS_SERVER: '/nonexistent/nats-server' };
    const { code, stdout, stderr } = await converge(['dev', '--ephemeral'], { env });
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('CONVERGE_NATS_SERVER names /nonexistent/nats-server');
  });

  it('are both named by the doctor, who ends with 69', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const ended = await converge(['doctor', '--json', '--nats', nowhere, '--redis', `redis://${nowhere}`]);
    expect(ended.code).toBe(69);
    const { ok, checks } = jsonOf(ended);
    expect(ok).toBe(false);
    expect(checks).toEqual([
      expect.objectContaining({ name: 'config', status: 'ok' }),
      { name: 'redis', status: 'fail', detail: expect.stringContaining('ECONNREFUSED') },
      { name: 'nats', status: 'fail', detail: expect.stringContaining(nowhere) },
    ]);
  });
});

describe('schema', () => {
  it('has every decision and every query', async () => {
    const schemas = jsonOf(await runHere(['schema', '--json']));
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining([
        ...Object.keys(SINGLE_DECISIONS).map((type) => `decision.${type}`),
        ...Object.keys(QUERIES).map((name) => `query.${name}`),
        'decision.Batch',
        'outcome',
        'event',
      ]),
    );
  });

  it('prints one of them', async () => {
    const { code, stdout } = await runHere(['schema', 'decision.SubmitTask']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['taskId']),
    });
  });

  it('does not mind that nobody reads it', async () => {
    const started = converge.start(['schema']);
    started.closeStdout();
    expect(await started.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

it('help and version are data', async () => {
  expect(await converge(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
  const help = await converge(['help', 'doctor']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('Usage: converge doctor');
});
