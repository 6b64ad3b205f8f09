/** What is written down of a run, one JSON object a line. Times are the recorder's clock, milliseconds since the epoch. */
import { z } from 'zod';

const at = z.number();
const seq = z.int();
const pool = z.string();
const agent = z.string();
const id = z.string();

export const entrySchema = z.discriminatedUnion('t', [
  /** A decision goes out, for the first time or again. */
  z.strictObject({ t: z.literal('sent'), at, pool, agent, id, type: z.string() }),
  /** The log confirmed it. */
  z.strictObject({ t: z.literal('ack'), at, pool, agent, id, seq }),
  /** An outcome came: told, or because somebody asked. `text` is what it said. */
  z.strictObject({
    t: z.literal('outcome'),
    at,
    pool,
    agent,
    id,
    via: z.enum(['result', 'query']),
    text: z.string(),
  }),
  /** The log confirmed a message that is no decision. */
  z.strictObject({ t: z.literal('poison'), at, seq }),
  /** What stands in the log at the end; `time` is the log's. */
  z.strictObject({ t: z.literal('logged'), seq, time: z.number(), subject: z.string(), text: z.string() }),
  /** What stands in the stream of events at the end: each pack, by its headers and by what it holds. */
  z.strictObject({
    t: z.literal('pack'),
    seq,
    id: z.string(),
    first: z.string(),
    last: z.string(),
    count: z.string(),
    subject: z.string(),
    events: z.array(z.strictObject({ id: z.string(), sequence: z.string(), source: z.string() })),
  }),
  /** And each event of it, `seq` being the pack's. */
  z.strictObject({ t: z.literal('event'), seq, id, subject: z.string(), text: z.string() }),
  /** What of the log became a dead letter, by its place there. */
  z.strictObject({ t: z.literal('deadletter'), seq }),
  z.strictObject({
    t: z.literal('fault'),
    at,
    kind: z.string(),
    phase: z.enum(['begin', 'end', 'recovered']),
  }),
  /** From here on, and until it ends, the log is not the one that the system has applied. */
  z.strictObject({ t: z.literal('wrong-log'), at, phase: z.enum(['begin', 'end']) }),
]);

export type Entry = z.output<typeof entrySchema>;
export type EntryOf<T extends Entry['t']> = Extract<Entry, { t: T }>;
