/**
 * The session file of `converge dev` in its data folder: its process, so that a second one can name it, and its ports, so that the
 * next one with the same data has the same URLs.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../lib/errors.ts';
import { isFreePort } from '../servers/free-port.ts';
import { FolderInUseError, type Servers } from '../servers/index.ts';

const schema = z.object({
  pid: z.int().min(1),
  nats: z.string().optional(),
  redis: z.string().optional(),
});

export type DevSession = z.output<typeof schema>;

const FILE = 'dev.json';

export async function readSession(dataDir: string): Promise<DevSession | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(join(dataDir, FILE), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Servers that were given keep their URLs by themselves. */
export async function writeSession(dataDir: string, { nats, redis }: Servers): Promise<void> {
  const session: DevSession = {
    pid: process.pid,
    ...(nats.source === 'url' ? {} : { nats: nats.url }),
    ...(redis.source === 'url' ? {} : { redis: redis.url }),
  };
  await writeFile(join(dataDir, FILE), `${JSON.stringify(session)}\n`, { mode: 0o600 });
}

/** The port of last time, if nobody has taken it meanwhile. */
export async function portOfLastTime(url: string | undefined): Promise<number | undefined> {
  const port = Number(/:(\d+)$/.exec(url ?? '')?.[1] ?? Number.NaN);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return (await isFreePort(port)) ? port : undefined;
}

/** The error to throw when the servers did not start: where another `dev` has the folder, which one it is. */
export function namedInUse(error: unknown, dataDir: string, session: DevSession | undefined): unknown {
  if (!(error instanceof FolderInUseError) || session === undefined) return error;
  const urls = [session.nats, session.redis].filter((url) => url !== undefined).join(' and ');
  return new ConfigurationError(
    `${dataDir} is in use by another converge dev, process ${session.pid}${urls === '' ? '' : ` (${urls})`}: ` +
      'use that one, stop it, or choose another folder (--data-dir, --ephemeral)',
    { cause: error },
  );
}
