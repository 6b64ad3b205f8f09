/** Who and what the inputs are about. */
import type { LogPlace } from '../../../src/protocol/decode.ts';

export const AGENTS = ['ann', 'bob', 'cyd'] as const;
/** Log time at which inputs are decided. */
export const START = 1_700_000_000_000;
export const PLACE: LogPlace = { namespace: 'converge', shard: 0, shards: 1 };
