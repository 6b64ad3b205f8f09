/**
 * What something that has ended takes in the store while it is kept: its document as JSON, and about as much as its places
 * in indexes and its receipt take. A function of the document alone, so that what was added when it ended is what is
 * taken away when it is removed, on every replay.
 */
import { type Entity, hasEnded } from '../../protocol/entities.ts';
import { weightOf } from '../kernel/consequences/json-bytes.ts';

/** Four entries of sorted sets, and the outcome of the decision that it came from. */
const BESIDE_BYTES = 1_000;

/** 0 as long as it has not ended. */
export function endedBytesOf(document: Entity | undefined): number {
  return document === undefined || !hasEnded(document) ? 0 : BESIDE_BYTES + weightOf(document);
}
