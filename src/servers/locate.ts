import { findDocker } from './docker.ts';
import { ServersUnavailableError } from './errors.ts';
import { findExecutable } from './find-executable.ts';
import type { Host } from './host.ts';
import { installLine } from './install-line.ts';
import { installPackages } from './install-packages.ts';
import type { Environment } from './running-server.ts';
import { type ServerKind, serverKinds } from './server-kind.ts';

/** Where a server comes from, with a few words for the log. */
export type Found =
  | { readonly source: 'url'; readonly url: string; readonly origin: string }
  | { readonly source: 'binary' | 'package'; readonly command: string; readonly origin: string }
  | { readonly source: 'docker'; readonly docker: string; readonly origin: string };

/** Tries the sources one after the other; throws ServersUnavailableError if there is none. */
export async function locate(
  kind: ServerKind,
  host: Host,
  env: Environment,
  say: (line: string) => void,
  mayInstall = true,
): Promise<Found> {
  const url = env[kind.urlVariable];
  if (isGiven(url)) return { source: 'url', url, origin: kind.urlVariable };

  const binary = await findBinary(kind, host, env);
  if (binary !== undefined) return { source: 'binary', ...binary };

  const docker = await findDocker(host, env);
  if (docker !== undefined) return { source: 'docker', docker, origin: `the image ${kind.image}` };

  const missing = await missingKinds(kind, host, env);
  const packages = missing.map((each) => each.aptPackage);
  const result = mayInstall ? await installPackages(host, env, packages, say) : NOT_ASKED;
  if (result.type === 'installed') {
    const installed = await findBinary(kind, host, env);
    if (installed !== undefined) {
      return { source: 'package', command: installed.command, origin: `the package ${kind.aptPackage}` };
    }
  }
  const reason = result.type === 'installed' ? 'the package brought no such program' : result.reason;
  const tried =
    `no ${kind.binaries.join(' or ')} was found: ${kind.urlVariable} is not set, there is none on PATH, ` +
    `no Docker daemon answers, and ${reason}.`;
  throw unavailable(kind, tried, await installLine(host, missing));
}

/** Nothing is installed on a machine unless someone has said so. */
const NOT_ASKED = {
  type: 'refused',
  reason: 'packages are installed only when you say so (converge dev --install, or CONVERGE_INSTALL=1)',
} as const;

interface Binary {
  readonly command: string;
  readonly origin: string;
}

async function findBinary(kind: ServerKind, host: Host, env: Environment): Promise<Binary | undefined> {
  const named = env[kind.binaryVariable];
  if (isGiven(named)) {
    const command = await findExecutable(named, env, host.extraFolders);
    if (command !== undefined) return { command, origin: `${kind.binaryVariable} (${command})` };
    // A named binary is meant; using another one instead would be a surprise.
    const line = await installLine(host, [kind]);
    throw unavailable(kind, `${kind.binaryVariable} names ${named}, which is not an executable file.`, line);
  }
  for (const name of kind.binaries) {
    const command = await findExecutable(name, env, host.extraFolders);
    if (command !== undefined) return { command, origin: `PATH (${command})` };
  }
  return undefined;
}

/** The packages to install: the required one, and the other one too if it would be missing next. */
async function missingKinds(wanted: ServerKind, host: Host, env: Environment): Promise<ServerKind[]> {
  const missing: ServerKind[] = [];
  for (const kind of serverKinds) {
    const provided = isGiven(env[kind.urlVariable]) || isGiven(env[kind.binaryVariable]);
    if (kind === wanted || (!provided && (await findBinary(kind, host, env)) === undefined))
      missing.push(kind);
  }
  return missing;
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function unavailable(kind: ServerKind, tried: string, line: string): ServersUnavailableError {
  return new ServersUnavailableError(
    `${tried}\nInstall what is missing with\n\n  ${line}\n\n` +
      `or set ${kind.urlVariable} to the URL of a running one.`,
  );
}
