import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/protocol/json.ts';
import { MAX_DEPTH, MAX_VALUES } from '../../src/protocol/limits.ts';
import { character } from './characters.ts';

const parse = (text: string) => parseJson(Buffer.from(text));
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** A positive decimal as a whole number of units of 10^-1000: another way to compare than the one that is tested. */
function scaled(decimal: string): bigint {
  const [mantissa = '', exponent = '0'] = decimal.toLowerCase().split('e');
  const [whole = '', places = ''] = mantissa.split('.');
  return BigInt(whole + places) * 10n ** BigInt(1_000 + Number(exponent) - places.length);
}

describe('parseJson', () => {
  it.each([
    ['null', null],
    ['"text with : and {[ and \\" in it"', 'text with : and {[ and " in it'],
    ['{"a":1,"A":2,"":3}', { a: 1, A: 2, '': 3 }],
    ['[[],{},0,-1.5,true,"\\ud83d\\ude00"]', [[], {}, 0, -1.5, true, '😀']],
    ['{"a":{"a":{"a":1}}}', { a: { a: { a: 1 } } }],
    [' \n\t{ "a" : 1 } ', { a: 1 }],
    ['{"a:b":1,"c\\":":2}', { 'a:b': 1, 'c":': 2 }],
    ['9007199254740991', 9007199254740991],
    ['[1.0,2.50,1e3,0e999,-0.0,123E-2]', [1, 2.5, 1000, 0, -0, 1.23]],
    ['0.30000000000000004', 0.30000000000000004],
  ])('takes %s', (text, value) => {
    expect(parse(text)).toEqual({ ok: true, value });
  });

  it('gives back whatever JSON there is, or says what is wrong with it', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: character }), (text) => {
        const parsed = parse(text);
        if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(text));
        else expect(parsed.why).toMatch(/__proto__|2\^53|deeper/);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever bytes arrive', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parsed = parseJson(bytes);
        expect(typeof parsed.ok).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  it('never throws, whatever looks like JSON arrives', () => {
    const token = fc.constantFrom(
      ...'{}[],:"\\',
      '\\u',
      'd800',
      '1',
      'e9',
      'null',
      ' ',
      'ä',
      '\u0000',
      '\ufeff',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        const text = tokens.join('');
        const parsed = parse(text);
        if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads a part of a larger buffer as what it is', () => {
    const whole = Buffer.from('xx{"a":1}yy');
    expect(parseJson(whole.subarray(2, 9))).toEqual({ ok: true, value: { a: 1 } });
  });

  it.each([
    ['malformed UTF-8', [0x22, 0xff, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut character', [0x22, 0xe2, 0x82]],
  ])('refuses %s', (_, bytes) => {
    expect(parseJson(Uint8Array.from(bytes))).toEqual({ ok: false, why: 'not UTF-8' });
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a":1',
    '{a:1}',
    "{'a':1}",
    '01',
    '1.',
    'NaN',
    'Infinity',
    '[1,]',
    '1 2',
    '\ufeff{}',
    '"\n"',
  ])('refuses %j: not JSON', (text) => {
    expect(parse(text)).toEqual({ ok: false, why: 'not JSON' });
  });

  it('refuses what is nested deeper than it may be, without building it', () => {
    expect(parse(nested(MAX_DEPTH)).ok).toBe(true);
    expect(parse(nested(MAX_DEPTH + 1))).toEqual({ ok: false, why: 'nested deeper than 32' });
    expect(parse('{"a":'.repeat(MAX_DEPTH + 1))).toEqual({ ok: false, why: 'nested deeper than 32' });
    expect(parse('['.repeat(500_000))).toEqual({ ok: false, why: 'nested deeper than 32' });
    expect(parse(`[${nested(MAX_DEPTH)},[]]`)).toEqual({ ok: false, why: 'nested deeper than 32' });
  });

  it('brackets inside strings are no nesting', () => {
    expect(parse(JSON.stringify(nested(100))).ok).toBe(true);
    expect(parse(`["\\"${'['.repeat(100)}"]`).ok).toBe(true);
    expect(parse(`["\\\\",${nested(MAX_DEPTH)}]`)).toEqual({ ok: false, why: 'nested deeper than 32' });
  });

  it.each([
    ['{"__proto__":{"admin":true}}', '(the decision): a member named __proto__'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'a[0]: a member named __proto__'],
  ])('refuses %s', (text, why) => {
    expect(parse(text)).toMatchObject({ ok: false, why });
  });

  it('members named like what every object has are members like any', () => {
    const text = '{"constructor":1,"toString":2,"hasOwnProperty":3,"prototype":4}';
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });

  it.each(['{"a":1,"a":1}', '{"a":{"b":1,"c":2,"b":3}}', '[{"a":1,"\\u0061":2}]', '{"":1,"":2}'])(
    'refuses %s: the same member twice',
    (text) => {
      expect(parse(text)).toMatchObject({ ok: false, why: 'an object names the same member twice' });
    },
  );

  it.each([
    ['{"a":[0,1e400]}', 'a[1]: number out of range'],
    ['{"a":-1e400}', 'a: number out of range'],
    ['{"a":9007199254740993}', 'a: integer beyond 2^53 would lose digits; send it as a string'],
    ['{"a":{"b":-9007199254740992}}', 'a.b: integer beyond 2^53 would lose digits; send it as a string'],
    ['{"a":1e300}', 'a: integer beyond 2^53 would lose digits; send it as a string'],
    ['1e999', '(the decision): number out of range'],
    ['{"a":"\\ud800"}', 'a: lone surrogate in a string'],
    ['{"a":"\\udc00\\ud800"}', 'a: lone surrogate in a string'],
    ['{"a":{"\\udfff":1}}', 'a: lone surrogate in a member name'],
  ])('refuses %s, and says where', (text, why) => {
    expect(parse(text)).toMatchObject({ ok: false, why });
  });

  it.each([
    ['{"amount":99999999999.123462}', 'amount: number 99999999999.123462 would lose digits'],
    [
      '{"amount":0.10000000000000000555111512312578270211815834045}',
      'amount: number 0.10000000000000000555111512312578270211… would lose',
    ],
    [
      '{"a":{"b":[1,{"c,}":[2,"]",3.00000000000000001]}]}}',
      'a.b[1].c,}[2]: number 3.00000000000000001 would lose',
    ],
    ['[[1],{"a":1},1000000000000000.000001]', '[2]: number 1000000000000000.000001 would lose digits'],
    ['{"x":"é","a\\"b":1.23456789e-320}', 'a"b: number 1.23456789e-320 would lose digits'],
    ['1e-400', '(the decision): number 1e-400 would lose digits; send it as a string'],
  ])('a number that would lose digits is refused as it was written: %s', (text, why) => {
    expect(parse(text)).toMatchObject({
      ok: false,
      why: expect.stringContaining(why),
    });
  });

  it('every number that a JavaScript program writes is read as the same number', () => {
    const writable = fc
      .oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.float({ noNaN: true, noDefaultInfinity: true }),
      )
      .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value));
    fc.assert(
      fc.property(writable, (value) => {
        const text = JSON.stringify({ value });
        expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
      { numRuns: 5_000 },
    );
  });

  it('a decimal passes exactly when the double nearest to it prints as the same decimal', () => {
    const digits = fc.stringMatching(/^[1-9]\d{0,20}$/);
    const places = fc.stringMatching(/^\d{1,20}$/);
    fc.assert(
      fc.property(
        digits,
        places,
        fc.integer({ min: -330, max: 300 }),
        fc.boolean(),
        (whole, part, power, hasPower) => {
          const text = `${whole}.${part}${hasPower ? `e${power}` : ''}`;
          const value = Number(text);
          fc.pre(Number.isFinite(value) && !(Number.isInteger(value) && !Number.isSafeInteger(value)));
          expect(parse(text).ok).toBe(scaled(text) === scaled(String(value)));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('no number of fifteen digits is refused, wherever its point stands', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[1-9]\d{0,14}$/), fc.nat(15), (digits, point) => {
        const text = `${digits.slice(0, point) || '0'}.${digits.slice(point) || '0'}`;
        expect(parse(text).ok).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['{"a":1e400,"__proto__":1}', '{"a":1e400,"\\ud800":1}', '[{"a":1e400},{"__proto__":1}]'])(
    'of several faults in %s the first is told',
    (text) => {
      expect(parse(text)).toMatchObject({ why: expect.stringMatching(/a: number out of range$/) });
    },
  );

  it('keeps the value of what was JSON, so that its author can be answered', () => {
    expect(parse('{"id":"d-1","a":1e400}')).toMatchObject({ value: { id: 'd-1' } });
    expect(parse('{"id":"d-1"')).not.toHaveProperty('value');
  });

  it('refuses more values than there may be', () => {
    expect(parse(`[${'0,'.repeat(MAX_VALUES - 1)}0]`).ok).toBe(true);
    expect(parse(`[${'0,'.repeat(MAX_VALUES)}0]`)).toMatchObject({ why: 'more than 20000 values' });
    const pairs = Array.from({ length: 10_001 }, (_, i) => `{"a${i}":[]}`);
    expect(parse(`[${pairs.join()}]`)).toMatchObject({ why: 'more than 20000 values' });
  });

  it('a path as long as somebody made it is cut, at a whole character', () => {
    for (const long of ['x'.repeat(100_000), '😀'.repeat(50_000), `x${'😀'.repeat(50_000)}`]) {
      const parsed = parse(JSON.stringify({ [long]: { deep: '#' } }).replace('"#"', '1e400'));
      const why = parsed.ok ? '' : parsed.why;
      expect(why).toMatch(/number out of range$/);
      expect(why.length).toBeLessThan(320);
      expect(why.isWellFormed()).toBe(true);
      expect(why.startsWith(long.slice(0, 200))).toBe(true);
      expect(why).toContain('…: ');
    }
  });

  it('a path that is just short enough is whole', () => {
    const path = 'x'.repeat(256);
    expect(parse(`{"${path}":1e400}`)).toMatchObject({ why: `${path}: number out of range` });
    expect(parse(`{"${path}x":1e400}`)).toMatchObject({ why: `${path}…: number out of range` });
  });
});
