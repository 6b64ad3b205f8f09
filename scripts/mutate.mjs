/**
 * Mutation testing in slices: `npm run mutate` runs all, `npm run mutate -- tasks votes` some, `-- --long` also the tests
 * that take long, and `-- --summary` only adds up what earlier runs left in reports/mutation. A slice mutates some files and
 * runs the tests that cover them, one Stryker run each: with all tests every mutant would wait for those of other families.
 *
 * What a slice found is kept. The next run tries only mutants whose code or tests changed, those that lived although a test
 * was added, and those that timed out: a machine that stood still for a while looks like an endless loop.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Stryker } from '@stryker-mutator/core';

/** Below it, handlers (src/handlers) or codec (src/protocol) fail the run. Percent. */
const LEAST_SCORE = 85;

const family = (...names) => names.map((name) => `test/handlers/${name}`);

/** Name of the slice -> what is mutated, and the tests that run. Every file belongs to one slice. */
const SLICES = {
  tasks: {
    mutate: ['src/handlers/tasks/*.ts'],
    tests: family(
      'tasks',
      'pools',
      'system',
      'quotas/quotas.test.ts',
      'answer-size.test.ts',
      'auctions/task-auctions.test.ts',
    ),
  },
  pools: {
    mutate: ['src/handlers/pools/*.ts'],
    tests: family('tasks', 'pools', 'system', 'operators', 'auctions/open-auction.test.ts'),
  },
  operators: {
    mutate: ['src/handlers/operators/*.ts'],
    tests: family('operators', 'pools', 'auctions/task-auctions.test.ts'),
  },
  quotas: {
    mutate: ['src/handlers/quotas/*.ts'],
    tests: family('quotas', 'operators/operators.test.ts', 'batch.test.ts'),
  },
  system: {
    mutate: ['src/handlers/sweep/*.ts'],
    tests: family(
      'system',
      'pools',
      'quotas/quotas.test.ts',
      'tasks/dependencies.test.ts',
      'tasks/expiry.test.ts',
      'tasks/deadlines.test.ts',
      'auctions/task-auctions.test.ts',
      'delegations/expiry.test.ts',
      'delegations/revoking.test.ts',
    ),
  },
  queues: {
    mutate: ['src/handlers/world/{indexed-heap,pending-queue}.ts'],
    tests: family(
      'world/claiming-order.test.ts',
      'world/indexed-heap.test.ts',
      'world/pending-queue.test.ts',
      'tasks/claim-next-task.test.ts',
    ),
  },
  // Every test covers the next three: those that run state what they do, and not only stand on it.
  'pool-state': {
    mutate: ['src/handlers/world/{id-sets,pool-state}.ts'],
    tests: family(
      'world/pool-state.test.ts',
      'world/world.test.ts',
      'world/taking-back.test.ts',
      'system/ended-retention.test.ts',
      'tasks/dependencies.test.ts',
      'tasks/ends-in-order.test.ts',
      'pools/close-pool.test.ts',
      'auctions/task-auctions.test.ts',
      'delegations/expiry.test.ts',
    ),
  },
  world: {
    mutate: ['src/handlers/world/world.ts'],
    tests: family(
      'world/pool-state.test.ts',
      'world/world.test.ts',
      'world/taking-back.test.ts',
      'system/ended-retention.test.ts',
      'system/retention.test.ts',
      'batch.test.ts',
      'internal-error.test.ts',
      'pools/close-pool.test.ts',
      'quotas/bytes.test.ts',
    ),
  },
  kernel: {
    mutate: ['src/handlers/kernel/**/*.ts'],
    tests: family(
      'batch.test.ts',
      'on-behalf-of.test.ts',
      'internal-error.test.ts',
      'answer-size.test.ts',
      'kernel.test.ts',
      'quotas/whose-rate.test.ts',
      'operators/operators.test.ts',
      'pools/presence.test.ts',
      'system',
      'tasks/dependencies.test.ts',
      'tasks/no-such-pool.test.ts',
      'auctions/task-auctions.test.ts',
      'delegations/acting.test.ts',
      'delegations/expiry.test.ts',
    ),
  },
  auctions: {
    mutate: ['src/handlers/auctions/*.ts'],
    tests: family('auctions'),
  },
  votes: {
    mutate: ['src/handlers/votes/*.ts'],
    tests: family('votes'),
  },
  negotiations: {
    mutate: ['src/handlers/negotiations/*.ts'],
    tests: family('negotiations'),
  },
  delegations: {
    mutate: ['src/handlers/delegations/*.ts'],
    tests: family('delegations', 'on-behalf-of.test.ts'),
  },
  protocol: {
    mutate: ['src/protocol/*.ts'],
    tests: ['test/protocol'],
  },
};

const reports = fileURLToPath(new URL('../reports/mutation/', import.meta.url));

await main(process.argv.slice(2));

async function main(args) {
  const onlySummary = args.includes('--summary');
  // The runner, in a process that Stryker starts, reads it.
  if (args.includes('--long')) process.env.MUTATION_LONG = 'yes';
  const named = args.filter((arg) => arg !== '--summary' && arg !== '--long');
  const unknown = named.find((name) => SLICES[name] === undefined);
  if (unknown !== undefined) {
    console.error(`There is no slice ${unknown}; there are ${Object.keys(SLICES).join(', ')}.`);
    process.exit(2);
  }
  const names = named.length === 0 ? Object.keys(SLICES) : named;
  const failed = [];
  if (!onlySummary) {
    for (const name of names) {
      // A test that fails without any mutant stops its slice; the others can still say something.
      await run(name, SLICES[name]).catch(() => failed.push(name));
    }
  }
  const rows = resultsOf(names);
  const areas = [sumOf('handlers', rows, 'src/handlers'), sumOf('codec', rows, 'src/protocol')];
  print([...rows, ...areas.filter(({ valid }) => valid > 0)]);
  const notRun = names.filter((name) => !existsSync(reportOf(name)));
  if (notRun.length > 0) console.log(`\nNot run yet: ${notRun.join(', ')}`);
  if (failed.length > 0) console.log(`\nNot run to the end (see above): ${failed.join(', ')}`);
  const isBelow = areas.some(({ valid, score }) => valid > 0 && score < LEAST_SCORE);
  process.exitCode = isBelow || failed.length > 0 ? 1 : 0;
}

async function run(name, { mutate, tests }) {
  mkdirSync(reports, { recursive: true });
  // The config of vitest reads it in the process that Stryker starts for the tests.
  process.env.MUTATION_TESTS = tests.join(',');
  const incrementalFile = `${reports}${name}.incremental.json`;
  forgetTimeouts(incrementalFile);
  await new Stryker({
    testRunner: 'in-process',
    plugins: [fileURLToPath(new URL('mutate-runner.mjs', import.meta.url)), '@stryker-mutator/vitest-runner'],
    timeoutMS: 10_000,
    mutate,
    incremental: true,
    incrementalFile,
    jsonReporter: { fileName: reportOf(name) },
  }).runMutationTest();
}

function forgetTimeouts(incrementalFile) {
  if (!existsSync(incrementalFile)) return;
  const report = JSON.parse(readFileSync(incrementalFile, 'utf8'));
  for (const file of Object.values(report.files)) {
    file.mutants = file.mutants.filter(({ status }) => status !== 'Timeout');
  }
  writeFileSync(incrementalFile, JSON.stringify(report));
}

function reportOf(name) {
  return `${reports}${name}.json`;
}

/** One row for each folder of the slices that were run. */
function resultsOf(names) {
  const folders = new Map();
  for (const name of names.filter((each) => existsSync(reportOf(each)))) {
    const { files } = JSON.parse(readFileSync(reportOf(name), 'utf8'));
    for (const [path, { mutants }] of Object.entries(files)) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      folders.set(folder, [...(folders.get(folder) ?? []), ...mutants]);
    }
  }
  return [...folders].map(([folder, mutants]) => rowOf(folder, mutants));
}

function rowOf(folder, mutants) {
  const count = (status) => mutants.filter((mutant) => mutant.status === status).length;
  const counts = {
    killed: count('Killed'),
    timeout: count('Timeout'),
    survived: count('Survived'),
    uncovered: count('NoCoverage'),
  };
  return withScore(folder, counts);
}

function sumOf(title, rows, folder) {
  const counts = { killed: 0, timeout: 0, survived: 0, uncovered: 0 };
  for (const row of rows) {
    if (row.title !== folder && !row.title.startsWith(`${folder}/`)) continue;
    for (const key of Object.keys(counts)) counts[key] += row[key];
  }
  return withScore(title, counts);
}

/** Mutants that do not run at all, or that are made when a module is loaded, count for nothing. */
function withScore(title, counts) {
  const { killed, timeout, survived, uncovered } = counts;
  const valid = killed + timeout + survived + uncovered;
  return { title, ...counts, valid, score: (100 * (killed + timeout)) / valid };
}

function print(rows) {
  const cells = [
    ['folder', 'mutants', 'killed', 'timeout', 'survived', 'no coverage', 'score'],
    ...rows.map(({ title, valid, killed, timeout, survived, uncovered, score }) => [
      title,
      ...[valid, killed, timeout, survived, uncovered].map(String),
      `${score.toFixed(1)} %`,
    ]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  for (const row of cells) {
    console.log(
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    );
  }
}
