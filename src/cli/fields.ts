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
  if (judged === undefined || judged.success) return body;
  return bodyOf(parsed, new Set(judged.error.issues.map(({ path }) => path.join('.'))));
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
  return { path: name.split('.'), text, value: parsed.ok ? parsed.value : text };
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
