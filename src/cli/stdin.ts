/** The decisions on stdin: one JSON object, a JSON array of them, or one per line. */
import type { Readable } from 'node:stream';
import { messageOf } from '../lib/errors.ts';
import { isObject, parseJson } from '../protocol/json.ts';
import { MAX_DEPTH } from '../protocol/limits.ts';
import { UsageError } from './failure.ts';
import { type Body, readObject } from './fields.ts';

/** An object and where it stood, for messages about it. */
export interface Item {
  readonly where: string;
  readonly body: Body;
}

export async function readText(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

export async function readItems(stdin: Readable): Promise<Item[]> {
  const text = await readText(stdin);
  const whole = wholeOf(text);
  if (Array.isArray(whole)) {
    // One level more than each of its members may have, and as many values as there are members with so many.
    const parsed = parseJson(Buffer.from(text), { depth: MAX_DEPTH + 1, values: Number.POSITIVE_INFINITY });
    if (!parsed.ok) throw new UsageError(`stdin: ${parsed.why}`);
    return whole.map((body, i) => {
      if (!isObject(body)) throw new UsageError(`stdin: [${i}] is not a JSON object`);
      return { where: `[${i}]`, body };
    });
  }
  if (isObject(whole)) return [{ where: 'stdin', body: readObject(text) }];
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [lineItem(line, i + 1)]));
}

function lineItem(line: string, number: number): Item {
  const where = `line ${number}`;
  try {
    return { where, body: readObject(line) };
  } catch (error) {
    throw new UsageError(`stdin: ${where}: ${messageOf(error)}`);
  }
}

/** Undefined where it is not one JSON text, as several lines of JSON are not. */
function wholeOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
