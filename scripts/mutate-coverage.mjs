/**
 * A setup file of the mutation runs. Stryker's own hook hands the coverage over after every test file, and takes what its
 * global object holds. Where all files share one realm (`isolate: false`) that is the coverage of every file so far:
 * with 70 files it was sent 70 times over, ever larger, and the first run of all tests ended out of memory. Here each file
 * hands over its own and leaves nothing to the next; Stryker adds them up.
 *
 * It runs after Stryker's hook because the config has hooks run in the order in which they are given.
 */
import { afterAll } from 'vitest';

afterAll((_, suite) => {
  const coverage = suite.meta.mutantCoverage;
  if (coverage === undefined) return;
  suite.meta.mutantCoverage = { static: coverage.static, perTest: coverage.perTest };
  // The instrumented modules hold on to the object itself, so it is emptied, not replaced.
  coverage.perTest = {};
  coverage.static = {};
});
