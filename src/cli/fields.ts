/**
 * Fields as they are typed: one JSON object, or `key=value` words. A value is JSON where it reads as such and text
 * otherwise; where the schema wants text it is text all the same, so that nobody has to quote `taskId=42` twice.
 */
import type { z } from 'zod';
import { isObject, parseJson } from '../protocol/json.ts';
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
  const body = bodyOf(parsed, new Set());
  const judged = schema?.safeParse({ ...envelope, ...body });
  const asText = new Set(
    judged === undefined || judged.success ? [] : judged.error.issues.map(({ path }) => path.join('.')),
  );
  for (const { path, fault } of parsed) {
    const name = path.join('.');
    if (fault !== undefined && !asText.has(name)) throw new UsageError(`${name}: ${fault}`);
  }
  return asText.size === 0 ? body : bodyOf(parsed, asText);
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

function bodyOf(words: readonly Word[], asText: ReadonlySet<string>): Body {
  const body: Record<string, unknown> = {};
  for (const { path, text, value } of words) {
    const isText = asText.has(path.join('.'));
    put(body, path, isText ? text : value);
  }
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
