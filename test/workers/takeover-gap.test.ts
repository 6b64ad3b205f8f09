/** What the demo found on a machine that was far too busy: a lease lapses, and its holder is too late to notice. */
import { expect, it } from 'vitest';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import { MemoryLog, RecordingPublisher, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem();
const NS = 'takeover-gap';
const START = 1_700_000_000_000;

it('what the predecessor still commits while the successor loads is published, in its place', async () => {
  const log = new MemoryLog();
  const submit = (taskId: string): void => {
    const decision = { id: `submit-${taskId}`, type: 'SubmitTask', taskId, objective: 'o' };
    const data = Buffer.from(JSON.stringify(decision));
    log.append({ at: START + log.messages.length, subject: `${NS}.decisions.0.commons.ann`, data });
  };
  let holdsLease = true;
  const predecessor = await startShard(system, { ns: NS, log, holdsLease: () => holdsLease });
  submit('t-1');
  await until('the first event', async () => predecessor.publisher.published.length === 1);
  holdsLease = false;

  let hasCommitted = false;
  const store = await storeWithPause(async () => {
    submit('t-2');
    await predecessor.applied();
    hasCommitted = true;
  });
  const publisher = new RecordingPublisher();
  await startShard(system, { ns: NS, log, store, publisher });
  await until('the commit in between', async () => hasCommitted);
  submit('t-3');
  await until('the last event', async () =>
    publisher.published.some(({ json }) => json.includes('task/t-3')),
  );

  const tasks = publisher.published.map(({ json }) => String(JSON.parse(json).subject));
  expect([...new Set(tasks)].slice(-2)).toEqual(['task/t-2', 'task/t-3']);
});

/** A successor's store; between the two things that it reads at first, whichever order they have, something happens. */
async function storeWithPause(pause: () => Promise<void>): Promise<RedisShardStore> {
  const { url } = system.servers.redis;
  const [commits, reads] = [connectForCommits(url), connectForReads(url)];
  system.onEndOfTest(async () => {
    for (const connection of [commits, reads]) connection.disconnect();
  });
  let readings = 0;
  const beforeTheSecond = async (): Promise<void> => {
    readings++;
    if (readings === 2) await pause();
  };
  return new (class extends RedisShardStore {
    override async load(): ReturnType<RedisShardStore['load']> {
      await beforeTheSecond();
      return await super.load();
    }

    override async unpublished(): ReturnType<RedisShardStore['unpublished']> {
      await beforeTheSecond();
      return await super.unpublished();
    }
  })(await openRedis(commits), await openRedis(reads), shardKeys(NS, 0));
}
