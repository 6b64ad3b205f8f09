import type { BatchInput } from '../../protocol/decisions/index.ts';
import { MAX_BATCH, MAX_DECISION_BYTES, MAX_VALUES } from '../../protocol/limits.ts';

type Member = BatchInput['decisions'][number];

/** Size of a Batch besides its members, generously. */
const ENVELOPE_BYTES = 512;
const ENVELOPE_VALUES = 16;

/**
 * Divides decisions into as few Batches as the bounds on a decision allow (number, bytes, values), in order. One that is
 * too large by itself, or no JSON, stands alone, to be judged by itself.
 */
export function* batchesOf<D extends Member>(decisions: Iterable<D>): Iterable<readonly D[]> {
  let members: D[] = [];
  let bytes = ENVELOPE_BYTES;
  let values = ENVELOPE_VALUES;
  for (const decision of decisions) {
    const json = jsonOf(decision);
    const size = json === undefined ? MAX_DECISION_BYTES : Buffer.byteLength(json) + 1;
    const count = json === undefined ? MAX_VALUES : valuesAtMost(json);
    const isFull =
      members.length === MAX_BATCH || bytes + size > MAX_DECISION_BYTES || values + count > MAX_VALUES;
    if (isFull && members.length > 0) {
      yield members;
      members = [];
      bytes = ENVELOPE_BYTES;
      values = ENVELOPE_VALUES;
    }
    members.push(decision);
    bytes += size;
    values += count;
  }
  if (members.length > 0) yield members;
}

function jsonOf(decision: Member): string | undefined {
  try {
    return JSON.stringify(decision);
  } catch {
    return undefined;
  }
}

/** An upper bound: every value but the first of its object or array follows a comma, every first one a bracket. */
function valuesAtMost(json: string): number {
  let count = 1;
  for (let i = 0; i < json.length; i++) {
    const char = json.charCodeAt(i);
    if (char === COMMA || char === OPEN_BRACE || char === OPEN_BRACKET) count++;
  }
  return count;
}

const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
