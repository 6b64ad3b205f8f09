/** The durability settings of Redis. Hosted ones forbid some of the commands: then they are unknown. */
import type { Redis } from './redis.ts';

export interface StateDurability {
  readonly appendonly: 'yes' | 'no' | 'unknown';
  readonly appendfsync: 'always' | 'everysec' | 'no' | 'unknown';
  /** Does it save whole copies now and then? */
  readonly saves: 'yes' | 'no' | 'unknown';
  readonly replicas: number | 'unknown';
}

export async function stateDurability(redis: Redis): Promise<StateDurability> {
  const [appendonly, appendfsync, save, info] = await Promise.all([
    settingOf(redis, 'appendonly'),
    settingOf(redis, 'appendfsync'),
    settingOf(redis, 'save'),
    redis.info().catch(() => ''),
  ]);
  const replicas = /^connected_slaves:(\d+)/m.exec(info)?.[1];
  return {
    appendonly: yesOrNo(appendonly ?? enabledIn(info)),
    appendfsync: oneOf(appendfsync),
    saves: save === undefined ? 'unknown' : save === '' ? 'no' : 'yes',
    replicas: replicas === undefined ? 'unknown' : Number(replicas),
  };
}

async function settingOf(redis: Redis, name: string): Promise<string | undefined> {
  const answer: unknown = await redis.config('GET', name).catch(() => undefined);
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
}

function enabledIn(info: string): string | undefined {
  const enabled = /^aof_enabled:([01])/m.exec(info)?.[1];
  return enabled === undefined ? undefined : enabled === '1' ? 'yes' : 'no';
}

function yesOrNo(text: string | undefined): StateDurability['appendonly'] {
  return text === 'yes' || text === 'no' ? text : 'unknown';
}

function oneOf(text: string | undefined): StateDurability['appendfsync'] {
  return text === 'always' || text === 'everysec' || text === 'no' ? text : 'unknown';
}
