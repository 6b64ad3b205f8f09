/**
 * The messages that a batch must publish: stored in the same commit as its state, published after it, cleared when that is
 * confirmed. One line each: `R key` a result, by the key of its outcome; `A key json` an outcome that is not stored;
 * `P subject id first last count json` a pack of events, as it is published again: wherever it was cut, it stays cut;
 * `D seq reason` a dead letter, whose bytes are in the log.
 */
import { StoredStateError } from '../../lib/errors.ts';
import type { Pack } from './packs.ts';

export interface DeadLetter {
  readonly seq: number;
  readonly reason: string;
}

/** An outcome that is published but not stored. */
export interface Answer {
  readonly key: string;
  readonly json: string;
}

export interface Owed {
  /** `pool.agent.decisionId` of each stored outcome to be sent. */
  readonly results: readonly string[];
  readonly refusals: readonly Answer[];
  readonly packs: readonly Pack[];
  readonly deadLetters: readonly DeadLetter[];
}

export function encodeOutbox({ results, refusals, packs, deadLetters }: Owed): string | undefined {
  const lines = [
    ...results.map((key) => `R ${key}`),
    ...refusals.map(({ key, json }) => `A ${key} ${json}`),
    ...packs.map(lineOf),
    ...deadLetters.map(({ seq, reason }) => `D ${seq} ${oneLine(reason)}`),
  ];
  return lines.length === 0 ? undefined : lines.join('\n');
}

function lineOf({ subject, id, first, last, count, json }: Pack): string {
  return `P ${subject} ${id} ${first} ${last} ${count} ${json}`;
}

const MAX_REASON_CHARS = 500;

/** A reason may quote text of a stranger, of any length and with line breaks. */
function oneLine(reason: string): string {
  return reason.slice(0, MAX_REASON_CHARS).replace(/\s+/g, ' ');
}

const POSITION = /^[1-9]\d{0,15}$/;

/** Throws a {@link StoredStateError} for a line that {@link encodeOutbox} did not write. */
export function decodeOutbox(payload: string): Owed {
  const results: string[] = [];
  const refusals: Answer[] = [];
  const packs: Pack[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const line of payload.split('\n')) {
    const [kind, first, second] = line.split(' ', 3);
    if (kind === 'R' && first !== undefined) results.push(first);
    else if (kind === 'A' && first !== undefined && second !== undefined) {
      refusals.push({ key: first, json: line.slice(3 + first.length) });
    } else if (kind === 'P') {
      packs.push(packOf(line));
    } else if (kind === 'D' && first !== undefined && POSITION.test(first)) {
      deadLetters.push({ seq: Number(first), reason: line.slice(3 + first.length) });
    } else throw new StoredStateError(`the outbox holds a line of an unknown kind: ${line.slice(0, 40)}`);
  }
  return { results, refusals, packs, deadLetters };
}

const PACK = /^P (?<subject>\S+) (?<id>\S+) (?<first>\d+) (?<last>\d+) (?<count>[1-9]\d*) (?=\[)/;

function packOf(line: string): Pack {
  const found = PACK.exec(line);
  const { subject, id, first, last, count } = found?.groups ?? {};
  if (
    found === null ||
    subject === undefined ||
    id === undefined ||
    first === undefined ||
    last === undefined
  )
    throw new StoredStateError(`the outbox holds a pack that cannot be read: ${line.slice(0, 40)}`);
  return { subject, id, first, last, count: Number(count), json: line.slice(found[0].length) };
}
