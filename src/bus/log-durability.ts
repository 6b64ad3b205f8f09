/** The durability settings of the stream and its server. */
import { StorageType, type StreamInfo } from '@nats-io/jetstream';
import { isAtLeast } from '../lib/is-at-least.ts';

export interface LogDurability {
  readonly storage: 'file' | 'memory';
  readonly replicas: number;
  /** Names of replicas that are offline or behind. */
  readonly missing: readonly string[];
  /**
   * How much can be on its way to the disk, milliseconds; undefined when that is configurable but not visible
   * (`sync_interval`, from 2.10 on).
   */
  readonly syncedWithinMs: number | undefined;
}

/** The default of servers; before 2.10 it cannot be changed. */
const DEFAULT_SYNC_MS = 120_000;
const SETTABLE_SINCE = '2.10.0';

export function logDurability(
  { config, cluster }: Pick<StreamInfo, 'config' | 'cluster'>,
  serverVersion: string,
): LogDurability {
  const missing = (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline === true);
  return {
    storage: config.storage === StorageType.File ? 'file' : 'memory',
    replicas: config.num_replicas,
    missing: missing.map(({ name }) => name),
    syncedWithinMs: isAtLeast(serverVersion, SETTABLE_SINCE) ? undefined : DEFAULT_SYNC_MS,
  };
}
