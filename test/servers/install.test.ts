import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/servers/host.ts';
import { installLine } from '../../src/servers/install-line.ts';
import { installPackages, planInstall } from '../../src/servers/install-packages.ts';
import { parseOsRelease } from '../../src/servers/os-release.ts';
import { runCommand } from '../../src/servers/run-command.ts';
import { natsKind, redisKind, serverKinds } from '../../src/servers/server-kind.ts';
import { useDataDirs } from './data-dirs.ts';
import { bareHost, debian, succeeded } from './fake-host.ts';

const dataDir = useDataDirs();

const packages = ['redis-server', 'nats-server'];
const rootOnDebian = bareHost({ isRoot: true, osRelease: async () => debian });

describe('packages are installed', () => {
  it('by root on Debian, without questions, without starting services, one process at a time', async () => {
    const plan = await planInstall(rootOnDebian, {}, packages);
    if (plan.type !== 'install') throw new Error(plan.reason);
    expect(plan.command).toBe('/usr/bin/env');
    const before = plan.args.indexOf('flock');
    expect(plan.args.slice(0, before)).toEqual(
      expect.arrayContaining(['DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'SYSTEMD_OFFLINE=1']),
    );
    expect(plan.args.slice(before, before + 5)).toEqual([
      'flock',
      '--close',
      '--timeout',
      '300',
      '/run/converge-install.lock',
    ]);
    expect(plan.args.slice(-2)).toEqual(packages);
  });

  it('by a user with sudo on Ubuntu', async () => {
    const asked: string[] = [];
    const host = bareHost({
      osRelease: async () => ({ id: 'ubuntu', idLike: ['debian'] }),
      run: async (command, args) => {
        asked.push([command, ...args].join(' '));
        return succeeded;
      },
    });
    const plan = await planInstall(host, {}, packages);
    expect(asked).toEqual(['sudo -n true']);
    expect(plan).toMatchObject({ type: 'install', command: 'sudo' });
  });

  const refusals: readonly (readonly [string, Host, Readonly<Record<string, string>>, string])[] = [
    ['if that is forbidden', rootOnDebian, { CONVERGE_NO_INSTALL: '1' }, 'CONVERGE_NO_INSTALL=1'],
    ['without the right to', bareHost({ osRelease: async () => debian }), {}, 'needs root or sudo'],
    ['on another system', bareHost({ isRoot: true }), {}, 'on Debian and Ubuntu only'],
    [
      'on another distribution',
      bareHost({ isRoot: true, osRelease: async () => ({ id: 'linuxmint', idLike: ['ubuntu'] }) }),
      {},
      'on Debian and Ubuntu only',
    ],
  ];
  it.each(refusals)('not %s', async (_case, host, env, reason) => {
    expect(await planInstall(host, env, packages)).toMatchObject({
      type: 'refused',
      reason: expect.stringContaining(reason),
    });
  });

  it('once, when two servers are started at the same time', async () => {
    let installs = 0;
    const host = bareHost({
      ...rootOnDebian,
      run: async () => {
        installs += 1;
        return succeeded;
      },
    });
    const lines: string[] = [];
    const say = (line: string) => lines.push(line);
    const results = await Promise.all([
      installPackages(host, {}, packages, say),
      installPackages(host, {}, packages, say),
    ]);
    expect(results).toEqual([{ type: 'installed' }, { type: 'installed' }]);
    expect(installs).toBe(1);
    expect(lines).toEqual(['installing redis-server and nats-server with apt-get']);
  });
});

describe('the script that installs', () => {
  /** Runs the planned script with an apt-get and a systemctl that only tell what they were asked. */
  async function runScript(aptGet: string) {
    const plan = await planInstall(rootOnDebian, {}, packages);
    if (plan.type !== 'install') throw new Error(plan.reason);
    const script = plan.args.at(-4) ?? '';
    const folder = await dataDir();
    const fakes = {
      'apt-get': `echo "apt-get $*"; cd '${folder}'; ${aptGet}`,
      systemctl: 'echo "systemctl $*"',
    };
    for (const [name, body] of Object.entries(fakes)) {
      await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    }
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const result = await runCommand('sh', ['-c', script, 'sh', ...packages], { env, timeoutMs: 5_000 });
    return { code: result.code, asked: result.stdout.trim().split('\n') };
  }

  it('installs all packages at once and disables their services', async () => {
    const { code, asked } = await runScript('true');
    expect(code).toBe(0);
    expect(asked).toEqual([
      expect.stringMatching(
        /-o DPkg::Lock::Timeout=120 .* install -y --no-install-recommends redis-server nats-server$/,
      ),
      'systemctl disable redis-server.service',
      'systemctl disable nats-server.service',
    ]);
  });

  it('updates the package lists and tries again if the packages are not known', async () => {
    const { code, asked } = await runScript('case "$*" in *update) touch lists;; esac; test -e lists');
    expect(code).toBe(0);
    expect(
      asked.map((line) => line.split(' ').find((word) => /^(install|update|disable)$/.test(word))),
    ).toEqual(['install', 'update', 'install', 'disable', 'disable']);
  });

  it('fails if that does not help', async () => {
    const { code, asked } = await runScript('exit 100');
    expect(code).toBe(100);
    expect(asked.join('\n')).not.toContain('systemctl');
  });
});

describe('the line to install the servers with', () => {
  const on = (id: string, ...idLike: string[]) => bareHost({ osRelease: async () => ({ id, idLike }) });

  it.each([
    ['Debian', on('debian'), 'sudo apt-get install -y --no-install-recommends redis-server nats-server'],
    [
      'Mint',
      on('linuxmint', 'ubuntu', 'debian'),
      'sudo apt-get install -y --no-install-recommends redis-server nats-server',
    ],
    ['Debian, as root', rootOnDebian, 'apt-get install -y --no-install-recommends redis-server nats-server'],
    ['Alpine', on('alpine'), 'sudo apk add redis nats-server'],
    ['Arch', on('arch'), 'sudo pacman -S --noconfirm valkey nats-server'],
    ['macOS', bareHost({ platform: 'darwin' }), 'brew install redis nats-server'],
  ])('on %s', async (_system, host, line) => {
    expect(await installLine(host, serverKinds)).toBe(line);
  });

  it('names Docker where the packages are not known', async () => {
    expect(await installLine(on('fedora'), [natsKind])).toBe(
      'docker run -d -p 127.0.0.1:4222:4222 nats:2.12-alpine --jetstream && export CONVERGE_NATS_URL=nats://127.0.0.1:4222',
    );
    expect(await installLine(bareHost(), [redisKind])).toContain(
      'redis:7.4-alpine redis-server --appendonly yes',
    );
  });
});

it('os-release is read with and without quotes', () => {
  const text = 'PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nID_LIKE="debian other"\n# a comment\n';
  expect(parseOsRelease(text)).toEqual({ id: 'ubuntu', idLike: ['debian', 'other'] });
  expect(parseOsRelease('')).toEqual({ id: '', idLike: [] });
});
