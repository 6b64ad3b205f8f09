/**
 * Before any test file: makes sure that redis-server and nats-server can be started, so that on a fresh machine they
 * are installed once, and test files do not wait for each other.
 */
import { rm } from 'node:fs/promises';
import { startServers, temporaryDataDir } from '../src/servers/index.ts';

export default async function setup(): Promise<void> {
  const dataDir = await temporaryDataDir('converge-setup');
  const servers = await startServers({ dataDir, log: (line) => process.stderr.write(`${line}\n`) });
  await servers.stop();
  await rm(dataDir, { recursive: true, force: true });
}
