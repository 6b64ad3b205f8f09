import { variable } from '../../../src/workers/config.ts';

/** Where servers are found may be said; settings and servers of others are not for ours. */
const KEPT = new Set(['CONVERGE_REDIS_SERVER', 'CONVERGE_NATS_SERVER', 'CONVERGE_NO_INSTALL']);

/** An environment without the settings of other workers, and without the servers that they use. */
export function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('CONVERGE_') || KEPT.has(name)),
  );
}

/** Settings by their names, as a command reads them: `leaseMs` is `CONVERGE_LEASE_MS`. */
export type Settings = Readonly<Record<string, unknown>>;

export function environmentOf(settings: Settings): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : [[variable(name), String(value)]],
    ),
  );
}
