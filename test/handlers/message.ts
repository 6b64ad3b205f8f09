/** Decisions as they travel: bytes on a subject, read by the real decoder of a system with one shard. */
import type { z } from 'zod';
import type { BatchInput, DecisionInput, sweepSchema } from '../../src/protocol/decisions/index.ts';
import { type Decoded, decode, type LogPlace } from '../../src/protocol/decode.ts';
import { subjects } from '../../src/protocol/subjects.ts';

/** Log time at which every scenario starts. */
export const START = 1_700_000_000_000;
export const POOL = 'work';
export const PLACE: LogPlace = { namespace: 'converge', shard: 0, shards: 1 };

export type SweepInput = Omit<z.input<typeof sweepSchema>, 'id'> & { readonly id?: string };
export type SettleInput = { readonly type: 'Settle'; readonly at?: number; readonly id?: string };
export type PressureInput = { readonly type: 'Pressure'; readonly on: boolean; readonly id?: string };
export type Body =
  | DecisionInput
  | (BatchInput & { readonly onBehalfOf?: string })
  | SweepInput
  | SettleInput
  | PressureInput;

const SUBJECTS = subjects(PLACE.namespace);

/** Anything that an agent may say: what it is, the decoder finds out. */
export interface Sayable {
  readonly type: string;
  readonly id: string;
  readonly [member: string]: unknown;
}

export function send(agent: string, pool: string, body: Sayable): Decoded {
  const subject =
    body.type === 'Sweep' || body.type === 'Settle' || body.type === 'Pressure'
      ? SUBJECTS.shardDecision(PLACE.shard, agent, pool)
      : SUBJECTS.decision(pool, agent, PLACE.shards);
  return decode(subject, Buffer.from(JSON.stringify(body)), PLACE);
}
