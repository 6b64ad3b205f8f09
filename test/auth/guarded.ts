/** For a test file: a real system on the generated configuration, ended after it. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ConfigInput } from '../../src/workers/config.ts';
import { SecuritySystem } from '../../verify/security/system.ts';

export interface Guarded {
  readonly system: SecuritySystem;
  /** Called when the test is over, whatever became of it. */
  onEndOfTest(cleanup: () => unknown): void;
}

export function useGuardedSystem(overrides: Partial<ConfigInput> = {}): Guarded {
  let system: SecuritySystem | undefined;
  const cleanups: (() => unknown)[] = [];
  beforeAll(async () => {
    system = await SecuritySystem.start(process.env, () => undefined, overrides);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
  });
  return {
    get system() {
      if (system === undefined) throw new Error('the system runs only while tests do');
      return system;
    },
    onEndOfTest: (cleanup) => void cleanups.push(cleanup),
  };
}
