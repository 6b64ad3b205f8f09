import type { Host } from './host.ts';
import type { OsRelease } from './os-release.ts';
import type { ServerKind } from './server-kind.ts';

/** The line that a person types to get the missing servers on this machine. */
export async function installLine(host: Host, missing: readonly ServerKind[]): Promise<string> {
  if (host.platform === 'darwin') return `brew install ${names(missing, 'redis', 'nats-server')}`;
  const sudo = host.isRoot ? '' : 'sudo ';
  const release = await host.osRelease();
  if (isLike(release, 'debian', 'ubuntu')) {
    const packages = missing.map((kind) => kind.aptPackage).join(' ');
    return `${sudo}apt-get install -y --no-install-recommends ${packages}`;
  }
  if (isLike(release, 'alpine')) return `${sudo}apk add ${names(missing, 'redis', 'nats-server')}`;
  if (isLike(release, 'arch'))
    return `${sudo}pacman -S --noconfirm ${names(missing, 'valkey', 'nats-server')}`;
  return missing.map(dockerLine).join(' && ');
}

function isLike(release: OsRelease | undefined, ...ids: readonly string[]): boolean {
  return release !== undefined && [release.id, ...release.idLike].some((id) => ids.includes(id));
}

function names(missing: readonly ServerKind[], redis: string, nats: string): string {
  return missing.map((kind) => (kind.name === 'redis' ? redis : nats)).join(' ');
}

/** Not every distribution has both packages. The images run everywhere, and the variable tells us where. */
function dockerLine(kind: ServerKind): string {
  const port = kind.imagePort;
  const persistence = kind.name === 'redis' ? 'redis-server --appendonly yes' : '--jetstream';
  const run = `docker run -d -p 127.0.0.1:${port}:${port} ${kind.image} ${persistence}`;
  return `${run} && export ${kind.urlVariable}=${kind.name}://127.0.0.1:${port}`;
}
