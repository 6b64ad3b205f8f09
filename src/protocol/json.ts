/**
 * Reading JSON that strangers wrote. `JSON.parse` alone accepts what nothing behind it survives: two million levels
 * of nesting, `__proto__` members, duplicate members, `1e400`, lone surrogates, integers that lose digits.
 */
import { isUtf8 } from 'node:buffer';
import { pathAt } from './json-path.ts';
import { MAX_DEPTH, MAX_VALUES } from './limits.ts';
import { keepsItsDigits, mayLoseDigits } from './written-numbers.ts';

/** Whatever JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A member that is undefined is none: writing JSON leaves it out. */
export interface JsonObject {
  readonly [member: string]: Json | undefined;
}

export type ParsedJson =
  | { readonly ok: true; readonly value: Json }
  /** `value` is there when the text was JSON and only breaks one of our rules, so that its id can be answered. */
  | { readonly ok: false; readonly why: string; readonly value?: Json };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

interface Scanned {
  readonly depth: number;
  readonly members: number;
  /** Where the first number stands that would lose digits, and what stands there. */
  readonly inexact: { readonly at: number; readonly text: string } | undefined;
}

/** Nesting, member count and numbers as written, found without building anything. */
function scan(bytes: Buffer): Scanned {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  let inexact: Scanned['inexact'];
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) {
          if (bytes[i] === BACKSLASH) i++;
        }
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        if (depth > deepest) deepest = depth;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      case COLON:
        members++;
        break;
      default: {
        const byte = bytes[i] ?? 0;
        if (byte < ZERO || byte > NINE) break;
        const end = endOfNumber(bytes, i + 1);
        if (inexact === undefined && mayLoseDigits(end.at - i, end.hasExponent)) {
          const text = bytes.toString('latin1', i, end.at);
          if (!keepsItsDigits(text)) inexact = { at: i, text };
        }
        i = end.at - 1;
      }
    }
  }
  return { depth: deepest, members, inexact };
}

function endOfNumber(bytes: Buffer, from: number): { readonly at: number; readonly hasExponent: boolean } {
  let hasExponent = false;
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= ZERO && byte <= NINE) continue;
    if (byte === LOWER_E || byte === UPPER_E) hasExponent = true;
    else if (byte !== POINT && byte !== PLUS && byte !== MINUS) return { at, hasExponent };
  }
}

interface Walk {
  readonly mostValues: number;
  values: number;
  members: number;
  fault: string | undefined;
}

/** How much of a JSON text is read; what a decision may have where nothing else is said. */
export interface JsonBounds {
  readonly depth: number;
  readonly values: number;
}

const BOUNDS: JsonBounds = { depth: MAX_DEPTH, values: MAX_VALUES };

const MAX_PATH_CHARS = 256;

/** The path is in the words of the decision's author, and goes back to it: bounded, and whole characters. */
function faultAt(path: string, what: string): string {
  const shown = path.length > MAX_PATH_CHARS ? `${path.slice(0, MAX_PATH_CHARS).toWellFormed()}…` : path;
  return `${shown || '(the decision)'}: ${what}`;
}

/** Finds the first value that cannot be kept exactly or safely, with its path. */
function inspect(value: unknown, path: string, walk: Walk): void {
  if (walk.fault !== undefined) return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) walk.fault = faultAt(path, 'number out of range');
    else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      walk.fault = faultAt(path, 'integer beyond 2^53 would lose digits; send it as a string');
    }
    return;
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) walk.fault = faultAt(path, 'lone surrogate in a string');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    walk.values += value.length;
    for (let i = 0; i < value.length; i++) inspect(value[i], `${path}[${i}]`, walk);
  } else {
    for (const [name, member] of Object.entries(value)) {
      walk.values++;
      walk.members++;
      if (name === '__proto__') walk.fault = faultAt(path, 'a member named __proto__');
      else if (!name.isWellFormed()) walk.fault = faultAt(path, 'lone surrogate in a member name');
      else inspect(member, path === '' ? name : `${path}.${name}`, walk);
      if (walk.fault !== undefined) return;
    }
  }
  if (walk.values > walk.mostValues) walk.fault = `more than ${walk.mostValues} values`;
}

const MAX_SHOWN_CHARS = 40;

/** Of the text only as much as a person needs to recognise it by. */
function inexactAt(bytes: Buffer, { at, text }: { readonly at: number; readonly text: string }): string {
  const shown = text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
  const path = pathAt(bytes.toString('utf8', 0, at));
  return faultAt(path, `number ${shown} would lose digits; send it as a string`);
}

/** Parses bytes as JSON and refuses what could not be kept, replayed or printed exactly. */
export function parseJson(json: Uint8Array, bounds: JsonBounds = BOUNDS): ParsedJson {
  if (!isUtf8(json)) return { ok: false, why: 'not UTF-8' };
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const { depth, members, inexact } = scan(bytes);
  if (depth > bounds.depth) return { ok: false, why: `nested deeper than ${bounds.depth}` };
  let value: Json;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { ok: false, why: 'not JSON' };
  }
  const walk: Walk = { mostValues: bounds.values, values: 0, members: 0, fault: undefined };
  inspect(value, '', walk);
  if (walk.fault !== undefined) return { ok: false, why: walk.fault, value };
  if (inexact !== undefined) return { ok: false, why: inexactAt(bytes, inexact), value };
  // Every member costs one colon outside a string: fewer members than colons means that some name stood there twice.
  if (walk.members !== members) return { ok: false, why: 'an object names the same member twice', value };
  return { ok: true, value };
}

export function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value) && !Array.isArray(value);
}
