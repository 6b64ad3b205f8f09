/** Who is called when a clock was wrong: once it is right again, says of every shard which stamps do not count. */
import { decodeMessages } from '../src/workers/decide-batch.ts';
import { findAhead, undoubted } from '../src/workers/time/find-ahead.ts';
import { AHEAD_BOUND_MS } from '../src/workers/time/log-time.ts';
import { ofShard } from './monitor.ts';
import { type Servers, SUBJECTS } from './servers.ts';

let ids = 0;

export function distrust(servers: Servers, trueNow: number): void {
  const { decisions, shards } = servers;
  // A full log takes nothing. When it has room again, at the end at the latest, the operator comes again.
  if (decisions.isFull) return;
  for (const [shard, stored] of shards.entries()) {
    const place = { namespace: SUBJECTS.namespace, shard, shards: shards.length };
    const beyond = ofShard(decisions.version, shard).filter(({ seq }) => seq > stored.position().seq);
    const range = findAhead(undoubted(decodeMessages(beyond, place)), trueNow, AHEAD_BOUND_MS);
    if (range === undefined) continue;
    const id = `clock-${ids++}`;
    const body = JSON.stringify({ id, type: 'Clock', from: range.from, to: range.to });
    decisions.publish(SUBJECTS.clocks(shard), Buffer.from(body), `operator.${id}`);
  }
}
