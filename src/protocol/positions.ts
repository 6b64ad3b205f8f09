/** Where a reader of events goes on: opaque text to everybody but this file. */

import { z } from 'zod';
import { MAX_LOG_STREAMS } from './subjects.ts';

/** The next event to be read. */
export interface EventPlace {
  /** Which stream: the same numbers in another one are other events. */
  readonly stream: string;
  /** The pack, by its position in the stream. */
  readonly seq: number;
  /** The event, by its place in the pack. */
  readonly index: number;
}

/** `<stream identity>:<stream seq>:<index>` */
export function formatPosition({ stream, seq, index }: EventPlace): string {
  return `${stream}:${seq}:${index}`;
}

const POSITION = /^(?<stream>[A-Za-z0-9:.+-]{1,64}):(?<seq>[1-9]\d{0,15}):(?<index>0|[1-9]\d{0,5})$/;

/** Undefined for a text that {@link formatPosition} did not write. */
export function parsePosition(text: string): EventPlace | undefined {
  const { stream, seq, index } = POSITION.exec(text)?.groups ?? {};
  if (stream === undefined || !Number.isSafeInteger(Number(seq))) return undefined;
  return { stream, seq: Number(seq), index: Number(index) };
}

/** Of all pools there is a place in each stream, in their order. */
export function parsePositions(text: string): EventPlace[] | undefined {
  const places = text.split(',', MAX_LOG_STREAMS + 1).map(parsePosition);
  const known = places.flatMap((place) => place ?? []);
  return known.length === places.length && known.length <= MAX_LOG_STREAMS ? known : undefined;
}

/** As it comes from a stranger. */
export const positionSchema = z.string().max(96).regex(POSITION);
