/**
 * The combined durability of the servers (docs/guarantees.md). The log decides: state that Redis loses is rebuilt
 * from snapshots and log, which costs time. Anything that the log loses is lost.
 */
import type { LogDurability } from '../../bus/log-durability.ts';
import type { StateDurability } from '../../state/state-durability.ts';

/**
 * The worst after which every acknowledged decision is still there. `loss of one server` is of its power or its disk,
 * and only if no other fault comes with it: replicas that acknowledge before they sync can lose what is committed when
 * one of them loses power while another is paused or cut off (Jepsen, NATS 2.12.1).
 */
export type DurabilityLevel = 'nothing' | 'process crash' | 'loss of one server';

export interface Durability {
  readonly survives: DurabilityLevel;
  /** The fate of acknowledged decisions, in words. */
  readonly processCrash: string;
  readonly powerLoss: string;
  readonly diskLoss: string;
  /** The fate of the state when Redis stops: it is never the only copy. */
  readonly state: string;
}

/** From here on the loss of one replica leaves a majority. */
const MAJORITY_SURVIVES = 3;

export function durabilityOf(log: LogDurability, state: StateDurability): Durability {
  const whatState = stateAfterRestart(state);
  if (log.storage === 'memory') {
    const lost = 'the whole log is lost: it is in memory';
    return { survives: 'nothing', processCrash: lost, powerLoss: lost, diskLoss: lost, state: whatState };
  }
  const unsynced = unsyncedIn(log);
  if (log.replicas === 1) {
    return {
      survives: 'process crash',
      processCrash: 'kept',
      powerLoss: unsynced,
      diskLoss: 'the log is lost: it has 1 replica',
      state: whatState,
    };
  }
  const isQuorate = log.replicas >= MAJORITY_SURVIVES && log.missing.length === 0;
  const ofOne = isQuorate
    ? 'of one server: kept, unless another fault coincides'
    : `of one server: uncertain, ${log.missing.length > 0 ? `${log.missing.length} of ` : 'only '}${log.replicas} replicas${log.missing.length > 0 ? ' are missing' : ''}`;
  return {
    survives: isQuorate ? 'loss of one server' : 'process crash',
    processCrash: 'kept',
    powerLoss: `${ofOne}; of all at once: ${unsynced}`,
    diskLoss: ofOne,
    state: whatState,
  };
}

function unsyncedIn({ syncedWithinMs }: LogDurability): string {
  return syncedWithinMs === undefined
    ? "unknown: it depends on the server's sync_interval, which clients cannot see"
    : `the last ${syncedWithinMs / 1_000} s can be lost`;
}

function stateAfterRestart({ appendonly, appendfsync, saves }: StateDurability): string {
  const again = 'rebuilt from snapshots and the log';
  if (appendonly === 'unknown') return `unknown; any loss is ${again}`;
  if (appendonly === 'no') {
    const from = { yes: 'from its last saved copy', no: 'empty', unknown: 'empty or from a saved copy' }[
      saves
    ];
    return `Redis comes back ${from}: the rest is ${again}`;
  }
  const loss = {
    always: 'kept',
    everysec: `kept; after a power loss about a second is ${again}`,
    no: `kept; after a power loss writes not yet synced are ${again}`,
    unknown: `kept; after a power loss writes not yet synced (how many is unknown) are ${again}`,
  };
  return loss[appendfsync];
}

export function durabilityText({ survives, processCrash, powerLoss, diskLoss, state }: Durability): string {
  return `survives: ${survives}. Process crash: ${processCrash}. Power loss: ${powerLoss}. Disk loss: ${diskLoss}. Redis ends: ${state}`;
}
