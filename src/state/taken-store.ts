/**
 * Who has taken a shard and has not yet shown that it can work on it. A process that crashes reports nothing itself: the next
 * owner finds the record of one that vanished, and counts it. The lease cannot serve for that, because it lapses.
 */
import type { ShardKeys, SystemKeys } from './keys.ts';
import type { Redis } from './redis.ts';

export interface TakenNote {
  /** Who took the shard; undefined when that owner gave it back, or had worked on it for long enough. */
  readonly holder: string | undefined;
  /** Which start of Redis saw it: a power loss that ended both says nothing against the shard. */
  readonly run: string;
  /** It had not done anything with the shard yet, or its heap was nearly full. */
  readonly isSuspicious: boolean;
  readonly strikes: number;
  /** Whom the last strike was counted for. */
  readonly blamed: string | undefined;
  /** How often the shard was tried alone. */
  readonly trials: number;
}

export interface TakenStore {
  read(shard: number): Promise<TakenNote>;
  write(shard: number, note: TakenNote): Promise<void>;
  clear(shard: number): Promise<void>;
  /** The holder has lost the lease and lives: neither its note nor the strike that was counted for it says anything. */
  takeBack(shard: number, holder: string): Promise<void>;
  /** Which start of Redis this is. */
  run(): Promise<string>;
  /** Begins a trial if no other shard of the system is being tried and the pause after the last one is over. */
  beginTrial(shard: number, pauseMs: number): Promise<boolean>;
  endTrial(shard: number): Promise<void>;
}

/** A trial whose worker vanished is over after so long. */
const TRIAL_MS = 60_000;
const TAKE_BACK = `
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('HSET', KEYS[1], 'holder', '') end
if redis.call('HGET', KEYS[1], 'blamed') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'blamed', '')
  return redis.call('HINCRBY', KEYS[1], 'strikes', -1)
end
return 0`;
const END_TRIAL = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

export function redisTakenStore(
  redis: Redis,
  keysOf: (shard: number) => ShardKeys,
  systemKeys: SystemKeys,
): TakenStore {
  return {
    async read(shard) {
      const fields = await redis.hgetall(keysOf(shard).taken);
      return {
        holder: fields.holder || undefined,
        run: fields.run ?? '',
        isSuspicious: fields.suspicious === '1',
        strikes: Number(fields.strikes ?? 0),
        blamed: fields.blamed || undefined,
        trials: Number(fields.trials ?? 0),
      };
    },
    async write(shard, { holder = '', run, isSuspicious, strikes, blamed = '', trials }) {
      const suspicious = isSuspicious ? '1' : '0';
      await redis.hset(keysOf(shard).taken, { holder, run, suspicious, strikes, blamed, trials });
    },
    async clear(shard) {
      const { taken, trialPause } = keysOf(shard);
      await redis.del(taken, trialPause);
    },
    async takeBack(shard, holder) {
      await redis.eval(TAKE_BACK, 1, keysOf(shard).taken, holder);
    },
    async run() {
      return /^run_id:(\S+)/m.exec(await redis.info('server'))?.[1] ?? '';
    },
    async beginTrial(shard, pauseMs) {
      const { trialPause } = keysOf(shard);
      if ((await redis.get(trialPause)) !== null) return false;
      const isFree = await redis.set(systemKeys.trial, String(shard), 'PX', TRIAL_MS, 'NX');
      if (isFree !== 'OK') return false;
      await redis.set(trialPause, '1', 'PX', pauseMs);
      return true;
    },
    async endTrial(shard) {
      await redis.eval(END_TRIAL, 1, systemKeys.trial, String(shard));
    },
  };
}
