/** The rules of the checker and the handlers are written down apart: here the handlers play, and the checker looks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInternal } from '../../src/handlers/kernel/events.ts';
import { formatSequence } from '../../src/protocol/event.ts';
import { effectsMissing } from '../../verify/kit/history/effects.ts';
import { EventHistory } from '../../verify/kit/history/event-history.ts';
import type { SeenEvent } from '../../verify/kit/history/seen-event.ts';
import { RUNS, randomLog } from '../handlers/properties/random-log.ts';
import { type LogEntry, Shard, type Told } from '../handlers/properties/shard.ts';

function published({ agent, body }: LogEntry, { seq, now, events }: Told): SeenEvent[] {
  return events
    .filter(({ event }) => !isInternal(event))
    .map(({ pool, event, sequence = 0, principal, because }, n) => ({
      id: `0-${seq}-${n}`,
      type: `converge.${event.type}`,
      source: `/pools/${pool}`,
      subject: `${event.type.split('.')[0]}/${event.id}`,
      time: new Date(now).toISOString(),
      sequence: formatSequence(sequence),
      causationid: because?.cause ?? body.id,
      actor: because?.actor ?? agent,
      ...(principal === undefined ? {} : { principal }),
      data: JSON.parse(JSON.stringify(event.data)),
    }));
}

describe('over random logs', () => {
  it('the checker finds nothing in what the handlers tell', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const faults: string[] = [];
        const history = new EventHistory((rule, where, what) => faults.push(`${rule}: ${where}: ${what}`));
        const shard = new Shard();
        for (const entry of log) {
          for (const event of published(entry, shard.apply(entry))) history.take(event);
        }
        expect(faults).toEqual([]);
      }),
      RUNS,
    );
  });

  it('every accepted decision has the effects that its type promises', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const shard = new Shard();
        for (const entry of log) {
          const told = shard.apply(entry);
          const { status, data } = told.applied;
          const types = published(entry, told).map(({ type }) => type);
          const outcome = { type: entry.body.type, pool: entry.pool, status, data };
          expect(effectsMissing(outcome, types)).toEqual([]);
        }
      }),
      RUNS,
    );
  });
});
