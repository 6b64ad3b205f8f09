/** Texts that have broken parsers before: as JSON, as names and as words. */
import type { Random } from '../../kit/chance/random.ts';

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '0.5',
  '1.0000001',
  '0.000001',
  '1e5',
  '1E+5',
  '1e-400',
  '1e308',
  '1e400',
  '-1e400',
  '01',
  '.5',
  '1.',
  '+1',
  '0x10',
  'NaN',
  'Infinity',
  '9007199254740991',
  '9007199254740992',
  '-9007199254740993',
  '253402300799999',
  '253402300800000',
  '31622400001',
  '1000000000000000',
  '1000000000000000.000001',
  '99999999999.123456',
  '0.1000000000000000055511151231257827',
  '2.50',
  '1.23456789e-320',
  '4294967296',
  '2147483648',
] as const;

const STRINGS = [
  '""',
  '" "',
  '"2"',
  '"2.50"',
  '"true"',
  '"null"',
  '"__proto__"',
  '"constructor"',
  '"hasOwnProperty"',
  '"_system"',
  '"_"',
  '"-"',
  '"a.b"',
  '"*"',
  '">"',
  '"a b"',
  '"a/b"',
  '"a:b"',
  '"a|b"',
  '"\\u0000"',
  '"\\n"',
  '"\\r\\nX: y"',
  '"\\u2028"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\u202e"',
  '"ünï"',
  '"\\x41"',
  '"commons"',
  '"_shard"',
] as const;

const OTHERS = [
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '[[]]',
  '[null]',
  '{"":0}',
  '{"__proto__":{"polluted":1}}',
  '{"\\u005f_proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":1,"a":2}',
  '{"toString":1}',
  '{"length":-1}',
  '{"then":1}',
  '{"toJSON":1}',
] as const;

/** A JSON value, or nearly one, that nobody expects. */
export function nastyJson(random: Random): string {
  const kind = random.integer(100);
  if (kind < 30) return random.pick(NUMBERS);
  if (kind < 60) return random.pick(STRINGS);
  if (kind < 85) return random.pick(OTHERS);
  if (kind < 90) return JSON.stringify(repeated(random, 'x'));
  if (kind < 94) return nested(random);
  if (kind < 97) return `[${Array(sizeOf(random)).fill(random.pick(NUMBERS)).join(',')}]`;
  return `{${Array.from({ length: Math.min(500, sizeOf(random)) }, (_, i) => `"k${i}":${i}`).join(',')}}`;
}

/** A text where a name or a word is expected. */
export function nastyText(random: Random): string {
  const kind = random.integer(4);
  if (kind === 0) return repeated(random, random.pick(['x', '_', '9', 'é', '\ud83d\ude00', '.', '-', ' ']));
  if (kind === 1) return random.pick(NUMBERS);
  const json = random.pick(STRINGS);
  try {
    return kind === 2 ? String(JSON.parse(json)) : json.slice(1, -1);
  } catch {
    return json;
  }
}

/** Lengths around every bound that the protocol has; the large ones seldom, because they take the time. */
function sizeOf(random: Random): number {
  const most = random.pick([32, 64, 64, 128, 128, 129, 256, 1_024, random.chance(0.05) ? 20_001 : 100]);
  return Math.max(0, most + random.integer(3) - 1);
}

function repeated(random: Random, text: string): string {
  return text.repeat(random.chance(0.02) ? 1_000 * random.integer(120) : sizeOf(random));
}

function nested(random: Random): string {
  const levels = random.pick([2, 30, 31, 32, 33, 64, random.chance(0.1) ? 20_000 : 100]);
  return random.chance(0.5)
    ? '['.repeat(levels) + ']'.repeat(levels)
    : `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
}
