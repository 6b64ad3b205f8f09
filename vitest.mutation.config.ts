import { defineConfig } from 'vitest/config';

/** Folders or files of tests, separated by commas: `scripts/mutate.mjs` names those of a slice. */
const { MUTATION_TESTS = 'test/handlers,test/protocol,test/rules' } = process.env;

export default defineConfig({
  test: {
    include: MUTATION_TESTS.split(',').map((path) => (path.endsWith('.ts') ? path : `${path}/**/*.test.ts`)),
    // Random logs take a second for each mutant; what they find is for the tests to say that state a rule.
    exclude: ['**/properties/**', '**/*properties.test.ts'],
    setupFiles: ['scripts/mutate-coverage.mjs'],
    sequence: { hooks: 'list' },
    // The tests have no state outside of themselves: loading every module anew for every file would take most of the time.
    isolate: false,
    testTimeout: 30_000,
  },
});
