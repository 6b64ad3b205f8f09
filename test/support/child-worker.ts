/** A worker as a process of its own, so that it can be killed and stopped as machines do it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ConfigInput } from '../../src/workers/config.ts';
import { environmentOf, ownEnvironment } from '../../verify/kit/system/environment.ts';
import { WorkerChild } from '../../verify/kit/system/worker-child.ts';
import { type Build, build } from '../cli/build.ts';
import type { Space, System } from './system.ts';

const built = new WeakMap<System, Promise<Build>>();
let workers = 0;

export async function startChildWorker(
  space: Space,
  overrides: Partial<ConfigInput> = {},
): Promise<WorkerChild> {
  const { system } = space;
  const { settings, ...input } = space.input({ logLevel: 'warn', ...overrides });
  const id = `child-${++workers}`;
  const worker = new WorkerChild({
    id,
    env: { ...ownEnvironment(process.env), ...environmentOf({ ...input, ...settings }) },
    logFile: join(system.dataDir, `${id}.log`),
    compiled: pathToFileURL(join((await builtFor(system)).main, '../../../', '/')),
  });
  system.onEndOfTest(() => worker.kill());
  await worker.ready();
  return worker;
}

/** Compiled once for the tests of a file, and removed with its servers. */
function builtFor(system: System): Promise<Build> {
  const known = built.get(system) ?? build(system.dataDir);
  built.set(system, known);
  return known;
}
