import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/timeouts.ts'],
    // They end what hangs, and nothing else: a machine that has other work to do can take ten times as long as usual.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Two cores are shared with the redis-server and nats-server processes that the tests start.
    maxWorkers: 2,
    expect: { poll: { timeout: 60_000 } },
  },
});
