import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ServersUnavailableError, startNats, startRedis } from '../../src/servers/index.ts';
import { locate } from '../../src/servers/locate.ts';
import { natsKind, redisKind } from '../../src/servers/server-kind.ts';
import { useDataDirs } from './data-dirs.ts';
import { bareHost, debian, failed, succeeded } from './fake-host.ts';

const dataDir = useDataDirs();
const quiet = () => undefined;

/** A folder with programs of these names. */
async function folderWith(...programs: string[]): Promise<string> {
  const folder = join(await dataDir(), 'bin');
  await mkdir(folder);
  for (const program of programs) await writeFile(join(folder, program), '#!/bin/sh\n', { mode: 0o755 });
  return folder;
}

describe('a server is taken', () => {
  it('from its URL before anything else', async () => {
    const folder = await folderWith('redis-server');
    const env = { CONVERGE_REDIS_URL: 'redis://there', CONVERGE_REDIS_SERVER: '/no/such', PATH: folder };
    expect(await locate(redisKind, bareHost(), env, quiet)).toMatchObject({
      source: 'url',
      url: 'redis://there',
    });
  });

  it('from the binary that is named, before PATH', async () => {
    const named = join(await folderWith('my-redis'), 'my-redis');
    const env = { CONVERGE_REDIS_SERVER: named, PATH: await folderWith('redis-server') };
    expect(await locate(redisKind, bareHost(), env, quiet)).toMatchObject({
      source: 'binary',
      command: named,
    });
  });

  it('from PATH, as redis-server rather than valkey-server', async () => {
    const PATH = `${await folderWith('valkey-server')}:${await folderWith('redis-server')}`;
    const found = await locate(redisKind, bareHost(), { PATH }, quiet);
    expect(found).toMatchObject({ command: expect.stringMatching(/\/redis-server$/) });
  });

  it('as valkey-server where there is no redis-server', async () => {
    const PATH = await folderWith('valkey-server');
    const found = await locate(redisKind, bareHost(), { PATH }, quiet);
    expect(found).toMatchObject({ source: 'binary', command: `${PATH}/valkey-server` });
  });

  it('from folders that PATH often lacks', async () => {
    const sbin = await folderWith('nats-server');
    const host = bareHost({ extraFolders: [sbin] });
    const found = await locate(natsKind, host, { PATH: '/no/such' }, quiet);
    expect(found).toMatchObject({ source: 'binary', command: `${sbin}/nats-server` });
  });

  it('from Docker only if its daemon answers', async () => {
    const PATH = await folderWith('docker');
    const answering = bareHost({ run: async () => ({ ...succeeded, stdout: '27.0.0\n' }) });
    expect(await locate(redisKind, answering, { PATH }, quiet)).toMatchObject({ source: 'docker' });
    const silent = bareHost({ run: async () => ({ ...succeeded, stdout: '\n' }) });
    await expect(locate(redisKind, silent, { PATH }, quiet)).rejects.toThrow(ServersUnavailableError);
  });

  it('from the packages of both servers, installed in one go', async () => {
    const sbin = join(await dataDir(), 'sbin');
    const installed: string[] = [];
    const host = bareHost({
      isRoot: true,
      extraFolders: [sbin],
      osRelease: async () => debian,
      run: async (_command, args) => {
        installed.push(args.slice(-2).join(' '));
        await mkdir(sbin);
        for (const name of args.slice(-2)) await writeFile(join(sbin, name), '', { mode: 0o755 });
        return succeeded;
      },
    });
    const found = await Promise.all([locate(redisKind, host, {}, quiet), locate(natsKind, host, {}, quiet)]);
    expect(found).toMatchObject([
      { source: 'package', command: `${sbin}/redis-server` },
      { source: 'package', command: `${sbin}/nats-server` },
    ]);
    expect(installed).toEqual(['redis-server nats-server']);
  });
});

describe('when there is no server', () => {
  const nothing = { PATH: '/no/such', CONVERGE_NO_INSTALL: '1' };

  it('the error has exit code 69 and the line that installs what is missing', async () => {
    const host = bareHost({ osRelease: async () => debian });
    const error: unknown = await startRedis({ dataDir: '/no/such', env: nothing }, host).catch((e) => e);
    expect(error).toBeInstanceOf(ServersUnavailableError);
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(
        '\n\n  sudo apt-get install -y --no-install-recommends redis-server nats-server\n\n',
      ),
    });
    expect(error).toMatchObject({ message: expect.stringContaining('CONVERGE_NO_INSTALL=1 forbids') });
  });

  it('the line leaves out what is there', async () => {
    const host = bareHost({ osRelease: async () => debian });
    const env = { ...nothing, PATH: await folderWith('redis-server') };
    await expect(startNats({ dataDir: '/no/such', env }, host)).rejects.toThrow('recommends nats-server\n');
    const given = { ...nothing, CONVERGE_NATS_URL: 'nats://there' };
    await expect(startRedis({ dataDir: '/no/such', env: given }, host)).rejects.toThrow(
      'recommends redis-server\n',
    );
  });

  it('the error says why installing failed', async () => {
    const host = bareHost({ isRoot: true, osRelease: async () => debian, run: async () => failed });
    await expect(locate(redisKind, host, {}, quiet)).rejects.toThrow(
      'apt-get failed with 1: no such thing here',
    );
  });

  it('a named binary that is not there is not replaced by another one', async () => {
    const env = { PATH: await folderWith('redis-server'), CONVERGE_REDIS_SERVER: '/no/such/redis' };
    await expect(locate(redisKind, bareHost(), env, quiet)).rejects.toThrow(
      'CONVERGE_REDIS_SERVER names /no/such/redis, which is not an executable file',
    );
  });
});
