import { findExecutable } from './find-executable.ts';
import type { Host } from './host.ts';
import type { Environment } from './running-server.ts';

/** The path of a docker CLI whose daemon answers. The CLI alone proves nothing. */
export async function findDocker(host: Host, env: Environment): Promise<string | undefined> {
  const docker = await findExecutable('docker', env, host.extraFolders);
  if (docker === undefined) return undefined;
  const info = await host.run(docker, ['info', '--format', '{{.ServerVersion}}'], { env, timeoutMs: 3_000 });
  // Some versions of the CLI exit with 0 and an empty version when the daemon does not answer.
  return info.code === 0 && info.stdout.trim() !== '' ? docker : undefined;
}
