import type { Host } from './host.ts';
import type { Environment } from './running-server.ts';

export type InstallPlan =
  | { readonly type: 'install'; readonly command: string; readonly args: readonly string[] }
  | { readonly type: 'refused'; readonly reason: string };

export type InstallResult =
  | { readonly type: 'installed' }
  | { readonly type: 'refused' | 'failed'; readonly reason: string };

/**
 * Keeps the packages from doing more than installing files. Debian's maintainer scripts start the services in
 * two ways, and each has its own brake: `invoke-rc.d` asks `runlevel`, which believes RUNLEVEL, and in runlevel 1 no
 * service is started; `systemctl` ignores every start while SYSTEMD_OFFLINE is set. The usual brake, a policy-rc.d that
 * exits with 101, would be a file in /usr/sbin that blocks all services if we were killed before removing it.
 * NEEDRESTART_SUSPEND keeps Ubuntu's needrestart from restarting unrelated daemons.
 */
const quietEnvironment = [
  'DEBIAN_FRONTEND=noninteractive',
  'RUNLEVEL=1',
  'SYSTEMD_OFFLINE=1',
  'NEEDRESTART_SUSPEND=1',
  // dpkg refuses to work without the sbin folders, which are not on every user's PATH.
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];

/**
 * Package lists may be missing (container images) or too old, which shows as a failed install: then they are updated
 * and it is tried once more. Afterwards the services are disabled, since a package enables its service for the next
 * boot and nobody asked for one.
 */
const installScript = `
apt() {
  apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@"
}
install() {
  apt -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \\
    install -y --no-install-recommends "$@"
}
install "$@" || { apt update && install "$@"; } || exit
for package in "$@"; do
  systemctl disable "$package.service" || update-rc.d "$package" disable || true
done
`;

const installTimeoutMs = 10 * 60_000;

/** Decides whether the distribution's packages may be installed here, and how. */
export async function planInstall(
  host: Host,
  env: Environment,
  packages: readonly string[],
): Promise<InstallPlan> {
  if (env.CONVERGE_NO_INSTALL === '1') return refused('CONVERGE_NO_INSTALL=1 forbids installing packages');
  const release = host.platform === 'linux' ? await host.osRelease() : undefined;
  if (release === undefined || !['debian', 'ubuntu'].includes(release.id)) {
    return refused('packages are installed on Debian and Ubuntu only');
  }
  // flock(1) makes a second process wait for the first one, for a bounded time; the kernel releases the lock whatever
  // happens to the holder. --close keeps the lock from being inherited by anything the packages start.
  const locked = ['flock', '--close', '--timeout', '300', '/run/converge-install.lock'];
  const args = [...quietEnvironment, ...locked, 'sh', '-c', installScript, 'sh', ...packages];
  if (host.isRoot) return { type: 'install', command: '/usr/bin/env', args };
  const sudo = await host.run('sudo', ['-n', 'true'], { env, timeoutMs: 5_000 });
  if (sudo.code !== 0) return refused('installing packages needs root or sudo without a password');
  return { type: 'install', command: 'sudo', args: ['-n', '/usr/bin/env', ...args] };
}

function refused(reason: string): InstallPlan {
  return { type: 'refused', reason };
}

// Redis and NATS are started in parallel and would both install: the second one joins the first.
const underWay = new Map<string, Promise<InstallResult>>();

/** Installs the packages if this is allowed here. `say` gets what apt prints, so that stdout stays the caller's. */
export function installPackages(
  host: Host,
  env: Environment,
  packages: readonly string[],
  say: (line: string) => void,
): Promise<InstallResult> {
  const key = packages.join(' ');
  const running = underWay.get(key);
  if (running !== undefined) return running;
  const result = install(host, env, packages, say).finally(() => underWay.delete(key));
  underWay.set(key, result);
  return result;
}

async function install(
  host: Host,
  env: Environment,
  packages: readonly string[],
  say: (line: string) => void,
): Promise<InstallResult> {
  const plan = await planInstall(host, env, packages);
  if (plan.type === 'refused') return plan;
  say(`installing ${packages.join(' and ')} with apt-get`);
  const result = await host.run(plan.command, plan.args, {
    env,
    timeoutMs: installTimeoutMs,
    onLine: (line) => say(`apt-get: ${line}`),
  });
  if (result.code === 0) return { type: 'installed' };
  const lastLines = result.stderr.trim().split('\n').slice(-5).join('\n');
  return { type: 'failed', reason: `apt-get failed with ${result.code ?? 'a signal'}: ${lastLines}` };
}
