/** Which shards stand still for good, and whether they may. */
import type { Monitor } from '../monitor.ts';
import type { Servers } from '../servers.ts';

/** A shard whose state comes from messages that the log does not hold any more: what it applied, and the Clock that it knew. */
export function hasDiverged(servers: Servers, monitor: Monitor, shard: number): boolean {
  const applied = monitor.appliedTo(shard);
  const stored = servers.shards[shard];
  const { logIdentity } = stored?.position() ?? {};
  if (logIdentity !== undefined && logIdentity !== servers.decisions.bounds().identity) return true;
  const last = applied.at(-1);
  const made = [last, monitor.clocksKnownTo(shard, stored?.clock?.seq ?? 0).at(-1)];
  return made.some(
    (message) => message !== undefined && servers.decisions.version[message.seq - 1] !== message,
  );
}

/**
 * Its state is lost, and so is what could bring it back: all snapshots where the log is trimmed, or the mark that says whether it
 * is. It may be halted then, and nothing else.
 */
export function isBeyondRecovery(servers: Servers, shard: number): boolean {
  if (!servers.isTrimmed) return false;
  const { decisions, marks, snapshots } = servers;
  const position = Math.max(0, servers.shards[shard]?.position().seq ?? 0);
  const isHeld = position > 0 && decisions.read(position) !== undefined;
  const { mark } = marks.read(shard);
  if (mark === undefined) return !isHeld;
  if (mark.below <= 1 || isHeld || position >= mark.below) return false;
  return !snapshots.list(shard).some(
    ({
      summary: {
        position: { seq },
      },
    }) => seq > position && decisions.read(seq) !== undefined,
  );
}

/** It is halted, and nothing can be said of it but that it may be. */
export function isStranded(servers: Servers, shard: number): boolean {
  return servers.shards[shard]?.halted !== undefined && isBeyondRecovery(servers, shard);
}
