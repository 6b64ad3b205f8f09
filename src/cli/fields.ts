/**
 * Fields as they are typed: one JSON object, or `key=value` words. A value is JSON where it reads as such and text
 * otherwise. Where the schema does not take it so, it is what else it can mean and the schema does take: text, so that nobody
 * has to quote `taskId=42` twice; the one entry of a list; a time or a duration as people write them. What nothing helps
 * stays as it was typed, so that the fault is about that.
 */
import type { z } from 'zod';
import { isObject, parseJson } from '../protocol/json.ts';
import { parseDurationMs } from './durations.ts';
import { UsageError } from './failure.ts';

export type Body = { readonly [field: string]: unknown };

interface Word {
  /** `constraints.claimTtlMs=5000` stands for a field inside a field. */
  readonly path: readonly string[];
  readonly text: string;
  readonly value: unknown;
  /** The value is JSON that no decision can hold: it can only be text. */
  readonly fault?: string;
}

const PATH = /^[A-Za-z]\w*(\.[A-Za-z]\w*)*$/;

/** The object that the words describe, in the form that suits the schema best. Whether it is valid is not decided here. */
export function readFields(
  words: readonly string[],
  schema: z.ZodType | undefined,
  envelope: Body = {},
): Body {
  const [first] = words;
  if (words.length === 1 && first?.trimStart().startsWith('{')) return readObject(first);
  const parsed = words.map(readWord);
  const chosen = new Map<Word, unknown>();
  const bodyNow = (): Body => bodyOf(parsed, chosen);
  // Whether the schema has anything against what stands at a word's place now.
  const isFaulty = ({ path }: Word): boolean => {
    const judged = schema?.safeParse({ ...envelope, ...bodyNow() });
    return judged?.error?.issues.some((issue) => startsWith(issue.path, path)) ?? false;
  };
  for (const word of parsed) {
    const meant = isFaulty(word) ? meaningOf(word, (value) => !isFaulty(chosenAs(word, value))) : undefined;
    if (meant === undefined) chosen.delete(word);
    else chosen.set(word, meant);
    if (word.fault !== undefined && meant === undefined)
      throw new UsageError(`${word.path.join('.')}: ${word.fault}`);
  }
  return bodyNow();

  function chosenAs(word: Word, value: unknown): Word {
    chosen.set(word, value);
    return word;
  }
}

/** The first of all that was possibly meant which fits; undefined where nothing does. */
function meaningOf({ path, text, value }: Word, fits: (value: unknown) => boolean): unknown {
  const isDuration = path.at(-1)?.endsWith('Ms') === true;
  const at = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  const candidates: unknown[] = [
    text,
    ...(text === '' || Array.isArray(value) ? [] : [[value], [text]]),
    ...(Number.isNaN(at) ? [] : [at]),
    ...(isDuration ? [parseDurationMs(text)] : []),
  ];
  return candidates.find((candidate) => candidate !== undefined && fits(candidate));
}

const ISO_TIME = /^\d{4}-\d\d-\d\d(T|$)/;

function startsWith(path: readonly PropertyKey[], beginning: readonly string[]): boolean {
  return beginning.every((name, i) => path[i] === name);
}

export function readObject(text: string): Body {
  const parsed = parseJson(Buffer.from(text));
  if (!parsed.ok) throw new UsageError(parsed.why);
  if (!isObject(parsed.value)) throw new UsageError('not a JSON object');
  return parsed.value;
}

function readWord(word: string): Word {
  const equals = word.indexOf('=');
  const name = word.slice(0, Math.max(0, equals));
  if (!PATH.test(name)) {
    throw new UsageError(`${JSON.stringify(word)} is neither key=value nor a JSON object`);
  }
  const text = word.slice(equals + 1);
  const parsed = parseJson(Buffer.from(text));
  const path = name.split('.');
  if (parsed.ok) return { path, text, value: parsed.value };
  // A number that would lose digits stays text. A list or an object was meant as one, unless the schema wants text.
  const isComposed = typeof parsed.value === 'object' && parsed.value !== null;
  return isComposed ? { path, text, value: parsed.value, fault: parsed.why } : { path, text, value: text };
}

function bodyOf(words: readonly Word[], chosen: ReadonlyMap<Word, unknown>): Body {
  const body: Record<string, unknown> = {};
  for (const word of words) put(body, word.path, chosen.has(word) ? chosen.get(word) : word.value);
  return body;
}

function put(body: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    if (Object.hasOwn(body, name)) throw new UsageError(`${name} is given twice`);
    body[name] = value;
    return;
  }
  const inner = Object.hasOwn(body, name) ? body[name] : {};
  if (!isRecord(inner)) throw new UsageError(`${name} is given twice`);
  body[name] = inner;
  put(inner, rest, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value);
}
