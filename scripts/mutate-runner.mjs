/**
 * Stryker's test runner for tests that are plain functions, as all of handlers, protocol and rules are: they are collected
 * once, and for every mutant those that cover it are called in this very process until one fails. Stryker's runner for
 * vitest starts a new worker for each mutant and loads every module into it, which takes half a second and more; here a
 * mutant takes some milliseconds. `npx stryker run -m FILE` asks the other one, to compare.
 *
 * What a mutant does must not be seen by the next, and modules remember a few things (WeakMaps, memories of what was seen
 * lately). So a test that failed has to pass again without the mutant, else the modules are loaded anew and the mutant is
 * tried once more. What is remembered of earlier runs could also hide a mutant: one of the files that remember counts as
 * alive only if it also lives among modules that were just loaded.
 */
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { format } from 'node:util';
import fc from 'fast-check';

/** What vitest itself stands on, in the versions that are installed with it. */
const { resolve: findOfVitest } = createRequire(
  createRequire(import.meta.url).resolve('vitest/package.json'),
);
const { createServer, createServerModuleRunner } = await import(findOfVitest('vite'));

/** What instrumented code and Stryker talk through. */
globalThis.__stryker__ ??= {};
const stryker = globalThis.__stryker__;

/** Files with a memory that outlives a test: of names that are valid, of shards, of subjects. */
const REMEMBERS = /\/src\/protocol\/[^/]+\.ts$/;

/**
 * Tests that fill something to its bound, or try thousands of cases: each takes a second and more, and every mutant that
 * lives and is covered would wait for all of them. `--long` has them run, for those that lived without them.
 */
const LONG_TESTS = [
  'no agent holds more than 1,000 claims in one pool, whatever the pool allows',
  'settles 200 at once, in order of submission, and sweeps finish',
  'ends a hundred memberships at once, and the rest when it is said again',
  'what is between two agents gives the same chain as all there is',
  'a task that others still wait for is not removed before they were told',
  'claims that were made after a presence lapsed count for the limit, swept or not',
  'so many at once that some wait for the sweep, which is due',
  'rate_limited, transient, when the pool has as many live ones as it may; one that ends makes room',
  'what was passed on works when it was accepted',
  'nobody can do for a principal what the principal itself has not delegated to anyone',
  'when the principal revokes all that it granted, nobody acts for it any more',
  '1000000 agents asked by all together: rate_limited',
  '10000 votes: rate_limited, until one is over',
  'has at most 10000 members: too_large',
  'rate_limited: one bidder too many; those who have bid can bid again',
  'rate_limited: one live auction too many; those that have ended make room',
  'rate_limited: 10000 open sessions in a pool, until one is over',
  'a history with all its acceptances stays within what one answer can carry',
  'settle to what the rules say of the bids that were accepted, one winner after the other',
  'tell nobody a sealed bid, a maximum or the reserve before the close',
  'Dutch: the price falls with the time of the log, and the first that reaches it has it',
  'only when nothing that the others can do changes the winner or the reason (all completions tried)',
  'a chain is found if and only if there is one (every combination tried)',
  'nothing throws: what is nearly a decision',
];

class InProcessRunner {
  #server;
  #realm;
  /** How long each test took when it passed: the quick ones go first. */
  #tookMs = new Map();

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    // That a property fails is all that is asked: the smallest case that it fails for takes a hundred more runs.
    fc.configureGlobal({ endOnFailure: true });
    globalThis.__tests__ = { expect: await expectOfVitest() };
    this.#server = await createServer({
      configFile: false,
      root: process.cwd(),
      appType: 'custom',
      logLevel: 'error',
      server: { middlewareMode: true, watch: null, hmr: false, ws: false },
      optimizeDeps: { noDiscovery: true, include: [] },
      ssr: { noExternal: ['vitest'] },
      plugins: [insteadOfVitest],
    });
    this.#realm = await this.#newRealm();
  }

  async dryRun() {
    const tests = [];
    for (const test of this.#realm.tests.values()) {
      stryker.currentTestId = test.id;
      const { failure, ms } = this.#run(test);
      stryker.currentTestId = undefined;
      const told = { id: test.id, name: test.name, fileName: test.file, timeSpentMs: ms };
      tests.push(
        failure === undefined ? { ...told, status: 0 } : { ...told, status: 1, failureMessage: failure },
      );
    }
    return { status: 'complete', tests, mutantCoverage: stryker.mutantCoverage };
  }

  async mutantRun(options) {
    let result = this.#tryMutant(options);
    const isDoubtful =
      result.status === 'killed'
        ? this.#failsWithout(result.killedBy[0])
        : result.status === 'survived' && REMEMBERS.test(options.activeMutant.fileName);
    if (isDoubtful && !this.#realm.isFresh) {
      this.#realm = await this.#newRealm();
      result = this.#tryMutant(options);
    }
    this.#realm.isFresh = false;
    return result;
  }

  async dispose() {
    await this.#server?.close();
  }

  #tryMutant({ testFilter, activeMutant, hitLimit }) {
    const { tests } = this.#realm;
    const covering =
      testFilter === undefined ? [...tests.values()] : testFilter.flatMap((id) => tests.get(id) ?? []);
    covering.sort((a, b) => (this.#tookMs.get(a.id) ?? 0) - (this.#tookMs.get(b.id) ?? 0));
    Object.assign(stryker, { activeMutant: activeMutant.id, hitCount: 0, hitLimit });
    try {
      for (const [i, test] of covering.entries()) {
        const { failure } = this.#run(test);
        if (hitLimit !== undefined && stryker.hitCount > hitLimit) {
          return { status: 'timeout', reason: `Hit limit reached (${stryker.hitCount}/${hitLimit})` };
        }
        if (failure !== undefined) {
          return { status: 'killed', killedBy: [test.id], failureMessage: failure, nrOfTests: i + 1 };
        }
      }
      return { status: 'survived', nrOfTests: covering.length };
    } finally {
      Object.assign(stryker, { activeMutant: undefined, hitCount: undefined, hitLimit: undefined });
    }
  }

  #failsWithout(testId) {
    return this.#run(this.#realm.tests.get(testId)).failure !== undefined;
  }

  #run({ id, run }) {
    const startedAt = performance.now();
    try {
      run();
    } catch (error) {
      return { failure: String(error?.message ?? error), ms: performance.now() - startedAt };
    }
    const ms = performance.now() - startedAt;
    this.#tookMs.set(id, ms);
    return { failure: undefined, ms };
  }

  /** All modules loaded anew, with the tests that they state. */
  async #newRealm() {
    const modules = createServerModuleRunner(this.#server.environments.ssr, { hmr: false });
    const collected = new Collected();
    Object.assign(globalThis.__tests__, { describe: collected.describe, it: collected.it });
    for (const file of testFiles()) {
      collected.file = file;
      await modules.import(resolve(file));
    }
    return { tests: collected.tests, isFresh: true };
  }
}

/** The part of vitest's interface that these tests use: anything else is undefined, and found out at once. */
class Collected {
  file = '';
  tests = new Map();
  #path = [];

  constructor() {
    this.describe = (name, body) => {
      this.#path.push(name);
      body();
      this.#path.pop();
    };
    this.describe.each = eachOf(this.describe);
    this.describe.skipIf = (isSkipped) => (isSkipped ? () => {} : this.describe);
    this.it = (name, run) => this.#add([...this.#path, name].join(' '), run);
    this.it.each = eachOf(this.it);
  }

  #add(name, test) {
    if (process.env.MUTATION_LONG !== 'yes' && LONG_TESTS.some((title) => name.includes(title))) return;
    const run = () => {
      if (test() instanceof Promise) throw new Error('this runner does not wait for tests');
    };
    let id = `${this.file}#${name}`;
    for (let twin = 2; this.tests.has(id); twin++) id = `${this.file}#${name} (${twin})`;
    this.tests.set(id, { id, name, file: resolve(this.file), run });
  }
}

function eachOf(one) {
  return (rows) => (name, body) => {
    const areLists = rows.every(Array.isArray);
    for (const row of rows) {
      const values = areLists ? row : [row];
      one(titleOf(name, values), () => body(...values));
    }
  };
}

function titleOf(name, values) {
  const places = name.match(/%[sdifjoO]/g)?.length ?? 0;
  return format(name, ...values.slice(0, places)).replace(/\$(\w+)/g, (_, key) => String(values[0]?.[key]));
}

/** vitest's own `expect`, without what would ask vitest itself. */
async function expectOfVitest() {
  const { chai, JestChaiExpect, JestAsymmetricMatchers, JestExtend, ASYMMETRIC_MATCHERS_OBJECT } =
    await import(findOfVitest('@vitest/expect'));
  for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
  const expect = (value, message) => chai.expect(value, message);
  return Object.assign(expect, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
}

const insteadOfVitest = {
  name: 'instead-of-vitest',
  enforce: 'pre',
  resolveId: (source) => (source === 'vitest' ? '\0vitest' : undefined),
  load: (id) =>
    id === '\0vitest' ? 'export const { describe, it, expect } = globalThis.__tests__;' : undefined,
};

/** The folders and files that MUTATION_TESTS names, as for vitest (vitest.mutation.config.ts). */
function testFiles() {
  const named = (process.env.MUTATION_TESTS ?? 'test/handlers,test/protocol,test/rules').split(',');
  return named.flatMap((path) =>
    statSync(path).isFile()
      ? [path]
      : readdirSync(path, { recursive: true })
          .map((file) => join(path, file))
          .filter((file) => file.endsWith('.test.ts'))
          .filter((file) => !file.includes('/properties/') && !file.endsWith('properties.test.ts'))
          .sort(),
  );
}

function createInProcessRunner() {
  return new InProcessRunner();
}
createInProcessRunner.inject = [];

export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', factory: createInProcessRunner }];
