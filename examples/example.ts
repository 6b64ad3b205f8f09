/** What all examples have in common: where the system is, and how a program ends. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ConvergeClient, connect, type EventFeed, PoolManager, uuidv7 } from '../src/index.ts';

/** A pool of our own, so that the example can be run again, and one client for each agent. */
export interface Scene {
  readonly pool: string;
  as(agent: string): ConvergeClient;
  /** Everything that happens in the pool, from its beginning, as this agent sees it. */
  events(agent: string): EventFeed;
}

/** Sets the scene, tells the story and clears up. The agents named here are members of the pool. */
export async function play(
  url: string,
  name: string,
  members: readonly string[],
  tell: (scene: Scene) => Promise<void>,
): Promise<void> {
  const client = await connect({ url, agent: 'host' });
  try {
    const pool = `${name}-${uuidv7().slice(-8)}`;
    await new PoolManager(client).createPool(pool);
    for (const agent of members) await new PoolManager(client.withAgent(agent)).joinPool(pool);
    await tell({
      pool,
      as: (agent) => client.withAgent(agent),
      events: (agent) => client.withAgent(agent).events({ pool, start: 'all' }),
    });
  } finally {
    await client.close();
  }
}

/** Runs an example that was started by itself: `node dist/examples/<name>.js`. */
export function runIfStarted(moduleUrl: string, main: (url: string) => Promise<void>): void {
  const started = process.argv[1];
  if (started === undefined || realpathSync(started) !== fileURLToPath(moduleUrl)) return;
  main(process.env.CONVERGE_NATS_URL ?? 'nats://127.0.0.1:4222').catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}

export function say(who: string, what: string): void {
  console.log(`${who.padEnd(8)} ${what}`);
}
