import { describe, expect, it } from 'vitest';
import { PortTakenError, ServerStartError } from '../../src/servers/errors.ts';
import { thisHost } from '../../src/servers/host.ts';
import { freePort } from '../../src/servers/index.ts';
import type { Life } from '../../src/servers/life.ts';
import { processRunner } from '../../src/servers/runner.ts';
import { redisKind } from '../../src/servers/server-kind.ts';
import { retryWhilePortTaken, startLife } from '../../src/servers/start-life.ts';
import { useDataDirs } from './data-dirs.ts';

const dataDir = useDataDirs();

describe('a port', () => {
  it('is never given out twice in a row', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
    expect(new Set(ports).size).toBe(20);
  });

  it('that somebody else took in between is given up for another one', async () => {
    const tried: number[] = [];
    const port = await retryWhilePortTaken(async () => {
      const candidate = await freePort();
      tried.push(candidate);
      if (tried.length < 3) throw new PortTakenError('address already in use');
      return candidate;
    });
    expect(tried).toHaveLength(3);
    expect(port).toBe(tried.at(-1));
  });

  it('is not tried again when the server fails for another reason', async () => {
    let starts = 0;
    const failing = retryWhilePortTaken(async () => {
      starts += 1;
      throw new ServerStartError('bad configuration');
    });
    await expect(failing).rejects.toThrow('bad configuration');
    expect(starts).toBe(1);
  });
});

describe('a start', () => {
  it('where another server answers is a taken port, and what was started is ended', async () => {
    const folder = await dataDir();
    const options = { host: thisHost, kind: redisKind, env: process.env, dataDir: folder };
    let launched: Life | undefined;
    const failing = startLife({
      recipe: {
        kind: redisKind,
        prepare: async () => ({ args: ['60'], isOurs: async () => false }),
        ask: async () => ({
          product: 'redis-server',
          version: '7.0.15',
          identity: 'someone-else',
          processId: 1,
          ready: true,
        }),
        otherPorts: [],
      },
      runner: processRunner('/bin/sleep', options),
      port: await freePort(),
      deadlineMs: 5_000,
      onLaunch: (life) => {
        launched = life;
      },
    });
    await expect(failing).rejects.toThrow(PortTakenError);
    await expect(failing).rejects.toThrow('another redis-server (someone-else) answers');
    expect(launched?.running).toBe(false);
  });
});
