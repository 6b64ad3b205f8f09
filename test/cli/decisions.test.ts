/** `publish`, `query`, `tail` and `digest` against a system that runs. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConvergeClient } from '../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../src/client/core/outcomes.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { until } from '../support/until.ts';
import { type Ended, jsonOf, useConverge } from './command.ts';
import { SHARDS, useServers } from './servers.ts';

const servers = useServers();
const converge = useConverge(() => servers.env);
const names = subjects();
let nats: NatsConnection;
/** Prepares what the command is then asked about. */
let client: ConvergeClient;

beforeAll(async () => {
  await converge.background(['worker', '--json', '--log-level', 'warn', '--shards', `${SHARDS}`]).json();
  nats = await connect({ servers: servers.running.nats.url });
  client = await ConvergeClient.connect({ connection: nats, agent: 'cli', shards: SHARDS });
});

afterAll(async () => {
  await client.close();
  await nats.close();
});

async function publish(...args: string[]): Promise<Ended> {
  return await converge(['publish', ...args]);
}

/** A pool with one member, `ada`. */
async function pool(name: string): Promise<void> {
  acceptedOrThrow(await client.decide(name, { type: 'CreatePool' }));
  acceptedOrThrow(await client.withAgent('ada').decide(name, { type: 'JoinPool' }));
}

// biome-ignore lint/suspicious/noExplicitAny: what the command prints is looked at by the test.
function linesOf({ stdout }: Ended): any[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

describe('publish', () => {
  it('prints the outcome as JSON and nothing else on stdout', async () => {
    const ended = await publish(
      'json',
      'CreatePool',
      'capacity=3',
      '--json',
      '--agent',
      'ada',
      '--id',
      'd-1',
    );
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const shard = shardOf('json', SHARDS);
    expect(jsonOf(ended)).toEqual({
      decisionId: 'd-1',
      type: 'CreatePool',
      agent: 'ada',
      pool: 'json',
      body: expect.stringMatching(/^[\w-]{22}$/),
      status: 'accepted',
      data: { pool: 'json' },
      events: [expect.stringMatching(new RegExp(`^${shard}-\\d+-0$`))],
      shard,
      seq: expect.any(Number),
      at: expect.any(Number),
    });
  });

  it('prints it for people otherwise', async () => {
    const { code, stdout, stderr } = await publish('people', 'CreatePool', '--id', 'd-1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^accepted {2}CreatePool in people by cli {2}\(decision d-1, shard \d+, position \d+\)\n {2}\{"pool":"people"\}\n$/,
    );
  });

  it('ends with 3 when the decision is rejected, with the rule on stdout', async () => {
    await pool('rejected');
    const { code, stdout, stderr } = await publish('rejected', 'CreatePool');
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toMatch(/^rejected {2}CreatePool in rejected by cli .*\n {2}pool_exists: /);
  });

  it('ends with 4 when it asks for what does not exist', async () => {
    await pool('missing');
    const ended = await publish('missing', 'ClaimTask', 'taskId=none', '--agent', 'ada', '--json');
    expect(ended.code).toBe(4);
    expect(jsonOf(ended)).toMatchObject({ status: 'rejected', code: 'task_not_found' });
  });

  it('gets the first outcome again for the same id of the same agent', async () => {
    const [first, second] = [
      await publish('again', 'CreatePool', '--json', '--id', 'again-1'),
      await publish('again', 'CreatePool', '--json', '--id', 'again-1'),
    ];
    expect(second).toEqual(first);
  });

  it('does not wait for the outcome with --no-wait', async () => {
    const once = await publish('nowait', 'CreatePool', '--json', '--no-wait', '--id', 'nowait-1');
    expect(once.code).toBe(0);
    const { seq, ...rest } = jsonOf(once);
    expect(rest).toEqual({ decisionId: 'nowait-1' });
    const again = await publish('nowait', 'CreatePool', '--no-wait', '--id', 'nowait-1');
    const [, position] = /^the log has decision nowait-1 at position (\d+)\n$/.exec(again.stdout) ?? [];
    expect(Number(position)).toBeGreaterThan(seq);
  });

  it('takes text for text where the schema wants text, and fields inside fields', async () => {
    await pool('fields');
    const args = ['taskId=42', 'objective=7', 'priority=5', 'inputs.a=1', 'constraints.claimTtlMs=1500'];
    expect((await publish('fields', 'SubmitTask', ...args)).code).toBe(0);
    const task = jsonOf(await converge(['query', 'task', 'pool=fields', 'taskId=42', '--json']));
    expect(task).toMatchObject({ taskId: '42', objective: '7', priority: 5, inputs: { a: 1 } });
    expect(task.constraints).toMatchObject({ claimTtlMs: 1_500 });
  });

  it('reads the fields from stdin', async () => {
    await pool('stdin');
    const stdin = '{"taskId": "t", "objective": "o"}\n';
    expect((await converge(['publish', 'stdin', 'SubmitTask', '-'], { stdin })).code).toBe(0);
  });

  it('publishes decisions from stdin in their order, one outcome per line', async () => {
    await pool('lines');
    const stdin = [
      { type: 'SubmitTask', taskId: 't', objective: 'o' },
      { type: 'ClaimTask', taskId: 't' },
      { type: 'ReportTask', taskId: 't', result: 1 },
      { type: 'ReportTask', taskId: 't', result: 2, id: 'late' },
    ]
      .map((decision) => `${JSON.stringify(decision)}\n`)
      .join('\n');
    const ended = await converge(['publish', 'lines', '--stdin', '--json', '--agent', 'ada'], { stdin });
    expect(ended).toMatchObject({ code: 3, stderr: '' });
    expect(linesOf(ended)).toMatchObject([
      { type: 'SubmitTask', status: 'accepted' },
      { type: 'ClaimTask', status: 'accepted' },
      { type: 'ReportTask', status: 'accepted' },
      { type: 'ReportTask', status: 'rejected', code: 'already_final', decisionId: 'late' },
    ]);
  });

  it('sends none of them when one is wrong', async () => {
    await pool('none');
    const stdin = '[{"type":"SubmitTask","taskId":"t","objective":"o"},{"type":"ClaimTask"}]';
    const { code, stdout, stderr } = await converge(['publish', 'none', '--stdin'], { stdin });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'converge: [1]: invalid_decision: taskId: Invalid input: expected string, received undefined\n',
    );
    expect((await converge(['query', 'task', 'pool=none', 'taskId=t'])).code).toBe(4);
  });

  it('puts them into one Batch, whose rejected members count', async () => {
    await pool('batch');
    const stdin = '{"type":"SubmitTask","taskId":"t","objective":"o"}\n{"type":"ClaimTask","taskId":"no"}\n';
    const some = await converge(['publish', 'batch', 'Batch', '--stdin', '--json', '--agent', 'ada'], {
      stdin,
    });
    expect(some.code).toBe(4);
    expect(jsonOf(some)).toMatchObject({
      status: 'accepted',
      data: { outcomes: [{ status: 'accepted' }, { status: 'rejected', code: 'task_not_found' }] },
    });
    const none = await converge(['publish', 'batch', 'Batch', 'atomic=true', '--stdin', '--json'], { stdin });
    expect(none.code).toBe(3);
    expect(jsonOf(none)).toMatchObject({ status: 'rejected', code: 'task_exists' });
  });

  it('leaves the judgement to the system with --no-validate', async () => {
    const ended = await publish('unjudged', 'Frobnicate', '--no-validate', '--json');
    expect(ended.code).toBe(3);
    expect(jsonOf(ended)).toMatchObject({ status: 'rejected', code: 'unknown_type' });
  });

  it('gives up with 69 when the outcome does not come in time, and says that it may be applied', async () => {
    const elsewhere = ['--namespace', 'unattended', '--shards', '1'];
    const jsm = await jetstreamManager(nats);
    await jsm.streams.add({ name: 'UNATTENDED_DECISIONS', subjects: ['unattended.decisions.0.>'] });
    const { code, stdout, stderr } = await publish(
      'p',
      'CreatePool',
      ...elsewhere,
      '--timeout',
      '300ms',
      '--id',
      'x',
    );
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('the log has it');
    expect(stderr).toContain('decide again with the same content and the same id, x');
  });

  it('says so when there is no system in the namespace', async () => {
    const { code, stderr } = await publish('p', 'CreatePool', '--namespace', 'empty');
    expect(code).toBe(69);
    expect(stderr).toContain('there is no system in namespace empty');
  });
});

describe('query', () => {
  it('answers a list as a table, or as JSON', async () => {
    await pool('list');
    for (const taskId of ['a', 'b', 'c'])
      await client.decide('list', { type: 'SubmitTask', taskId, objective: `do ${taskId}` });
    const table = await converge(['query', 'tasks', 'pool=list', 'limit=2']);
    expect(table.stdout.split('\n')).toEqual([
      'taskId  state    priority  submitter  claim.agent  objective',
      'a       pending  0         cli                     do a',
      'b       pending  0         cli                     do b',
      expect.stringMatching(/^more: cursor=\d+$/),
      '',
    ]);
    const page = jsonOf(await converge(['query', 'tasks', 'pool=list', 'limit=2', '--json']));
    expect(page.items).toMatchObject([{ taskId: 'a' }, { taskId: 'b' }]);
    const rest = jsonOf(await converge(['query', 'tasks', 'pool=list', `cursor=${page.cursor}`, '--json']));
    expect(rest.items).toMatchObject([{ taskId: 'c' }]);
  });

  it('ends with 4 when there is no such thing', async () => {
    const { code, stdout, stderr } = await converge(['query', 'task', 'taskId=none', '--json']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { name: 'QueryError', message: expect.any(String), code: 'task_not_found', exitCode: 4 },
    });
  });

  it('does not let the terminal obey what agents wrote', async () => {
    await pool('escape');
    const objective = 'a\u001b[2Jb\u202ec\r\nd';
    await client.decide('escape', { type: 'SubmitTask', taskId: 't', objective });
    const { stdout } = await converge(['query', 'tasks', 'pool=escape']);
    expect(stdout).toContain('a\\u001b[2Jb\\u202ec\\u000d\\nd');
  });
});

describe('tail', () => {
  it('tells the events of a pool from the first one on, and ends after as many as were asked for', async () => {
    await pool('told');
    const args = ['tail', 'events', '--pool', 'told', '--since', 'all', '--count', '2'];
    const ended = await converge([...args, '--json']);
    expect(ended).toMatchObject({ code: 0, stderr: 'following events; Ctrl-C ends it\n' });
    expect(linesOf(ended)).toMatchObject([
      { specversion: '1.0', type: 'converge.pool.created', source: '/pools/told', actor: 'cli' },
      { specversion: '1.0', type: 'converge.member.joined', subject: 'member/ada', actor: 'ada' },
    ]);
    const { stdout } = await converge(args);
    expect(stdout).toMatch(
      /^\S+Z {2}told 1 {2}pool\.created {2}pool\/told {2}by cli {2}\{.*\}\n\S+Z {2}told 2 /,
    );
  });

  it('tells only what one agent did', async () => {
    await pool('byagent');
    const args = [
      'tail',
      'events',
      '--pool',
      'byagent',
      '--since',
      'all',
      '--agent',
      'ada',
      '--count',
      '1',
      '--json',
    ];
    expect(jsonOf(await converge(args))).toMatchObject({ type: 'converge.member.joined' });
  });

  it('tells new results as they come, until Ctrl-C', async () => {
    const tail = converge.start(['tail', 'results', '--agent', 'ada', '--json']);
    await tail.says('following results');
    await pool('results');
    expect(await tail.json(1)).toMatchObject([{ type: 'JoinPool', status: 'accepted', agent: 'ada' }]);
    tail.signal('SIGINT');
    expect(await tail.ended).toMatchObject({ code: 0, signal: null });
  });

  it('tells what a sweep found', async () => {
    await pool('swept');
    const tail = converge.start(['tail', 'sweeps', '--pool', 'swept', '--count', '1', '--json']);
    await tail.says('following sweeps');
    const constraints = { claimTtlMs: 1 };
    await client.decide('swept', { type: 'SubmitTask', taskId: 't', objective: 'o', constraints });
    await client.withAgent('ada').decide('swept', { type: 'ClaimTask', taskId: 't' });
    const ended = await tail.ended;
    expect(ended.code).toBe(0);
    expect(jsonOf(ended).released).toMatchObject([{ pool: 'swept', taskId: 't' }]);
  });

  it('tells dead letters with their reason', async () => {
    nats.publish(names.decision('rubbish', 'eve', SHARDS), 'not JSON');
    await nats.flush();
    const args = ['tail', 'deadletters', '--since', '10m', '--pool', 'rubbish', '--count', '1', '--json'];
    expect(jsonOf(await converge(args))).toMatchObject({
      shard: shardOf('rubbish', SHARDS),
      reason: 'not JSON',
      subject: names.decision('rubbish', 'eve', SHARDS),
      bytes: 8,
      body: 'not JSON',
    });
  });

  it('ends quietly when nobody reads it any more', async () => {
    const tail = converge.start(['tail', 'events', '--json']);
    await tail.says('following events');
    tail.closeStdout();
    let made = 0;
    // The line that finds nobody is the one that tells.
    await until('the end of it', async () => {
      if (tail.hasEnded) return true;
      await client.decide(`unread-${made++}`, { type: 'CreatePool' });
      return tail.hasEnded;
    });
    expect(await tail.ended).toMatchObject({ code: 0, stderr: 'following events; Ctrl-C ends it\n' });
  });
});

it('digest and rebuild: the digest is there while workers run, the rebuilding is not', async () => {
  await pool('digested');
  const ended = await converge(['digest', '--json']);
  expect(jsonOf(ended)).toEqual({
    namespace: 'converge',
    shards: SHARDS,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const { code, stderr } = await converge(['rebuild']);
  expect(code).toBe(78);
  expect(stderr).toContain('stop all workers first');
});
