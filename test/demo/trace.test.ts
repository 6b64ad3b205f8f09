import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { parseCsv } from '../../demo/csv.ts';
import { InputError } from '../../demo/input-error.ts';
import { readTrace } from '../../demo/trace/read-trace.ts';
import { compressed } from '../../demo/trace/timeline.ts';
import { canRun, expectedCounts, requirementKey } from '../../demo/workload.ts';

/** The project reads the files where they are and holds no copy. */
const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const TASK_HEADER =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
const NODE_HEADER = 'sn,cpu_milli,memory_mib,gpu,model';

const dirs: string[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function files(tasks: readonly string[], nodes: readonly string[]): Promise<[string, string]> {
  const dir = await mkdtemp(join(tmpdir(), 'converge-trace-test-'));
  dirs.push(dir);
  const [tasksFile, nodesFile] = [join(dir, 'tasks.csv'), join(dir, 'nodes.csv')];
  await writeFile(tasksFile, `${[TASK_HEADER, ...tasks].join('\n')}\n`);
  await writeFile(nodesFile, `${[NODE_HEADER, ...nodes].join('\n')}\n`);
  return [tasksFile, nodesFile];
}

const NODES = ['n-cpu,1,1,0,', 'n-t4,1,1,2,T4', 'n-g2,1,1,8,G2'];

describe.skipIf(!existsSync(DATA))(`the recorded cluster (skipped where ${DATA} is absent)`, () => {
  it('becomes 8,152 tasks of 1,523 agents, and how they end is known', async () => {
    const trace = await readTrace(join(DATA, 'gpu-cluster-tasks.csv'), join(DATA, 'gpu-cluster-nodes.csv'));

    expect(trace.agents).toHaveLength(1_523);
    expect(trace.tasks).toHaveLength(8_152);
    expect(expectedCounts(trace)).toEqual({ completed: 5_385, failed: 1_870, cancelled: 897 });
    expect(trace.pools.toSorted()).toEqual(['BE', 'Burstable', 'Guaranteed', 'LS']);
    expect(trace.vanishing).toBe(76);
    expect(trace.notes).toEqual([]);
    expect(trace.agents.reduce((sum, { slots }) => sum + slots, 0)).toBe(6_522);
  });

  it('has several nodes for every task, in order of creation', async () => {
    const { tasks, agents } = await readTrace(
      join(DATA, 'gpu-cluster-tasks.csv'),
      join(DATA, 'gpu-cluster-nodes.csv'),
    );
    const distinct = new Map(tasks.map((task) => [requirementKey(task), task]));
    for (const task of distinct.values()) {
      const capable = agents.filter(({ capabilities }) => canRun(new Set(capabilities), task));
      expect(capable.length, requirementKey(task)).toBeGreaterThan(1);
    }
    const times = tasks.map(({ submitAtMs }) => submitAtMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('a trace', () => {
  it('gives tasks the requirements, the pool and the end that were recorded', async () => {
    const trace = await readTrace(
      ...(await files(
        [
          'a,1,1,2,1,G2|T4|G2,LS,Running,0,500,100',
          'b,1,1,0,0,,Best effort,Failed,1,500,100',
          'c,1,1,1,1,,LS,Pending,2,500,',
          'd,1,1,1,1,T4,,Succeeded,3,500,4',
        ],
        NODES,
      )),
    );
    const brief = trace.tasks.map(({ taskId, pool, requires, plan, expected, cancelAfterMs }) => ({
      taskId,
      pool,
      requires,
      end: plan.end,
      workMs: plan.workMs,
      expected,
      cancelAfterMs,
    }));
    expect(brief).toEqual([
      {
        taskId: 'a',
        pool: 'LS',
        requires: [['G2', 'T4'], 'gpus>=2'],
        end: 'complete',
        workMs: 400,
        expected: 'completed',
        cancelAfterMs: undefined,
      },
      {
        taskId: 'b',
        pool: 'Best-effort',
        requires: [],
        end: 'fail',
        workMs: 400,
        expected: 'failed',
        cancelAfterMs: undefined,
      },
      {
        taskId: 'c',
        pool: 'LS',
        requires: ['gpus>=1'],
        end: 'wait',
        workMs: 0,
        expected: 'cancelled',
        cancelAfterMs: 498,
      },
      {
        taskId: 'd',
        pool: 'qos-',
        requires: [['T4'], 'gpus>=1'],
        end: 'complete',
        workMs: 496,
        expected: 'completed',
        cancelAfterMs: undefined,
      },
    ]);
    expect(trace.agents).toEqual([
      { name: 'n-cpu', capabilities: [], slots: 1 },
      { name: 'n-t4', capabilities: ['T4', 'gpus>=1', 'gpus>=2'], slots: 2 },
      {
        name: 'n-g2',
        capabilities: ['G2', ...[1, 2, 3, 4, 5, 6, 7, 8].map((count) => `gpus>=${count}`)],
        slots: 8,
      },
    ]);
  });

  it('is put into order of creation', async () => {
    const rows = [
      'b,1,1,0,0,,LS,Running,20,30,20',
      'a,1,1,0,0,,LS,Running,10,30,10',
      'c,1,1,0,0,,LS,Running,20,30,20',
    ];
    const { tasks } = await readTrace(...(await files(rows, NODES)));
    expect(tasks.map(({ taskId }) => taskId)).toEqual(['a', 'b', 'c']);
  });

  it('cancels what no node can run, and says so', async () => {
    const rows = ['a,1,1,4,1,T4,LS,Running,0,30,10', 'b,1,1,0,0,,LS,Running,0,30,10'];
    const trace = await readTrace(...(await files(rows, NODES)));
    expect(expectedCounts(trace)).toEqual({ completed: 1, failed: 0, cancelled: 1 });
    expect(trace.notes).toEqual(['1 task that none of the nodes can run: cancelled by the submitter']);
  });

  it.each([
    ['a,1,1,x,1,,LS,Running,0,30,10', 'tasks.csv:2: num_gpu is "x", not a whole number up to 128'],
    ['a,1,1,1,1,,LS,Unknown,0,30,10', 'tasks.csv:2: pod_phase is "Unknown", not one of'],
    ['a b,1,1,1,1,,LS,Running,0,30,10', 'tasks.csv:2: name is "a b"'],
    ['a,1,1,1,1,,LS,Running,-5,30,10', 'tasks.csv:2: creation_time is "-5"'],
    ['a,1,1,1,1,,LS,Running,0,30', 'tasks.csv:2: 10 fields where the header has 11'],
    ['a,1,1,1,1,"T4,LS,Running,0,30,10', 'tasks.csv:2: a quote where none can stand'],
  ])('with the line %s is refused with the place', async (row, message) => {
    const read = readTrace(...(await files([row], NODES)));
    await expect(read).rejects.toThrow(InputError);
    await expect(read).rejects.toThrow(message);
  });

  it('names a task once, and a node', async () => {
    const row = 'a,1,1,1,1,,LS,Running,0,30,10';
    await expect(readTrace(...(await files([row, '', row], NODES)))).rejects.toThrow(
      'tasks.csv:4: a second task',
    );
    await expect(readTrace(...(await files([row], [...NODES, 'n-t4,1,1,2,T4'])))).rejects.toThrow(
      'nodes.csv:5: a second',
    );
  });

  it('that is not there is said to be missing', async () => {
    await expect(readTrace('/no/such.csv', '/no/such.csv')).rejects.toThrow(
      'cannot read /no/such.csv: there is no such file',
    );
  });
});

describe('CSV', () => {
  it('may have quotes, CRLF, a byte order mark, and more columns than needed', () => {
    const rows = parseCsv('f', '\uFEFFb,more,a\r\n1,"x, ""y""",2\r\n', ['a', 'b']);
    expect(rows.map((row) => [row.text('a'), row.text('b'), row.text('more')])).toEqual([
      ['2', '1', 'x, "y"'],
    ]);
  });

  it('without a column, or without rows, is refused', () => {
    expect(() => parseCsv('f', 'a,b\n1,2\n', ['a', 'c'])).toThrow('f:1: the header lacks c');
    expect(() => parseCsv('f', 'a,b\n', ['a'])).toThrow('f: there are no rows below the header');
    expect(() => parseCsv('f', 'a,a\n1,2\n', ['a'])).toThrow('f:1: the header names a column twice');
  });
});

describe('compressed time', () => {
  it('keeps the order and the proportions, and shortens spells of nothing to an hour', () => {
    expect(compressed([0, 1_800, 1_000_000, 1_001_800], 1_000)).toEqual([0, 250, 750, 1_000]);
    expect(compressed([5, 5, 5], 1_000)).toEqual([0, 0, 0]);
  });
});
