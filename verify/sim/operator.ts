/**
 * Who is called when a clock was wrong: once it is right again, says of every shard which stamps do not count. And when trim
 * marks were lost: makes them from what the log still holds.
 */
import { genesisMark } from '../../src/bus/trim-marks.ts';
import { decodeMessages } from '../../src/workers/shard/decide-batch.ts';
import { findAhead, undoubted } from '../../src/workers/time/find-ahead.ts';
import { AHEAD_BOUND_MS } from '../../src/workers/time/log-time.ts';
import { ofShard } from './monitor.ts';
import { type Servers, SUBJECTS } from './servers.ts';

export function distrust(servers: Servers, trueNow: number): void {
  const { decisions, shards } = servers;
  // A full log takes nothing. When it has room again, at the end at the latest, the operator comes again.
  if (decisions.isFull) return;
  for (const [shard, stored] of shards.entries()) {
    const place = { namespace: SUBJECTS.namespace, shard, shards: shards.length };
    const beyond = ofShard(decisions.version, shard).filter(
      ({ seq }) => seq > stored.position().seq && decisions.read(seq) !== undefined,
    );
    const range = findAhead(undoubted(decodeMessages(beyond, place)), trueNow, AHEAD_BOUND_MS);
    if (range === undefined) continue;
    const id = `clock-${decisions.lastSeq}`;
    const body = JSON.stringify({ id, type: 'Clock', from: range.from, to: range.to });
    decisions.publish(SUBJECTS.clocks(shard), Buffer.from(body), `operator.${id}`);
  }
}

/** As `converge marks renew`: where anything is gone, all before the first message that is left of the shard is. */
export function renewMarks({ decisions, marks, shards }: Servers): void {
  const { identity } = decisions.bounds();
  const isWhole = decisions.version.every(({ seq }) => decisions.read(seq) !== undefined);
  for (const shard of shards.keys()) {
    const { mark, revision } = marks.read(shard);
    if (mark !== undefined) continue;
    const first = ofShard(decisions.version, shard).find(({ seq }) => decisions.read(seq) !== undefined);
    const below = isWhole ? 1 : (first?.seq ?? decisions.lastSeq + 1);
    marks.write(shard, { ...genesisMark(identity), made: true, below }, revision);
  }
}
