/** The one place from which machine-readable descriptions of the protocol are made. */
import { z } from 'zod';
import { CODES } from './codes.ts';
import { batchSchema, SINGLE_DECISIONS, settleSchema, sweepSchema } from './decisions/index.ts';
import { QUERIES } from './queries.ts';

const codeSchema = z.enum(Object.keys(CODES)).describe('the one rule that was broken');

export const outcomeSchema = z.object({
  decisionId: z.string(),
  type: z.string(),
  agent: z.string(),
  pool: z.string(),
  body: z.string().describe('SHA-256 of the bytes of the decision: 22 characters of base64url'),
  status: z.enum(['accepted', 'rejected']),
  code: codeSchema.optional(),
  message: z.string().optional(),
  transient: z.literal(true).optional().describe('the same decision may succeed later'),
  data: z.unknown().optional(),
  events: z.array(z.string()).describe('ids of the events that the decision caused, in order'),
  shard: z.int(),
  seq: z.int().describe('position in the log'),
  at: z.int().describe('log time, milliseconds since the epoch'),
});

export const eventSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().describe('<shard>-<seq>-<n>; also the Nats-Msg-Id'),
  type: z.string().describe('converge.<entity>.<verb>'),
  source: z.string().describe('/pools/<pool>'),
  subject: z.string().describe('<entity>/<id>'),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  sequence: z.string().describe('zero-padded; rises by one with every event of the pool'),
  causationid: z.string().describe('the decision'),
  actor: z.string(),
  principal: z.string().optional(),
  data: z.looseObject({}),
});

/** JSON Schemas (2020-12) by name: `decision.<type>`, `query.<name>`, `outcome`, `event`. */
export function jsonSchemas(): Record<string, object> {
  const named: [string, z.ZodType][] = [
    ...Object.entries(SINGLE_DECISIONS).map(([type, schema]): [string, z.ZodType] => [
      `decision.${type}`,
      schema,
    ]),
    ['decision.Batch', batchSchema],
    ['decision.Sweep', sweepSchema],
    ['decision.Settle', settleSchema],
    ...Object.entries(QUERIES).map(([name, schema]): [string, z.ZodType] => [`query.${name}`, schema]),
    ['outcome', outcomeSchema],
    ['event', eventSchema],
  ];
  return Object.fromEntries(
    named.map(([name, schema]) => [name, z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })]),
  );
}
