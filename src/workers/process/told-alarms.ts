/** How the alarms of every worker come together: each says its own with its heartbeat. */
import type { WorkerAlarm } from '../../protocol/queries.ts';
import { type HeartbeatAlarm, parseHeartbeat, workerNameOf } from '../../state/lease.ts';
import type { Alarms } from '../health/alarms.ts';
import type { LeaseHolder } from './leases.ts';

/** A heartbeat is written and read by everyone, some times a second. */
const MOST_TOLD = 20;
const LONGEST_TEXT = 300;

export function heartbeatAlarms(alarms: Pick<Alarms, 'told'>): readonly HeartbeatAlarm[] | undefined {
  const told = alarms.told().slice(0, MOST_TOLD);
  return told.length === 0
    ? undefined
    : told.map((alarm) => ({ ...alarm, text: alarm.text.slice(0, LONGEST_TEXT) }));
}

/** Of all workers that live; one's own as they are now, because nobody else may be able to write at the moment. */
export function alarmsOfAll(
  { live, heartbeats, holder }: Pick<LeaseHolder, 'live' | 'heartbeats' | 'holder'>,
  own: Pick<Alarms, 'told'>,
): WorkerAlarm[] {
  return live.flatMap((beating) => {
    const told =
      beating === holder ? heartbeatAlarms(own) : parseHeartbeat(heartbeats.of(beating)?.text ?? '')?.alarms;
    return (told ?? []).map((alarm) => ({ ...alarm, worker: workerNameOf(beating) }));
  });
}
