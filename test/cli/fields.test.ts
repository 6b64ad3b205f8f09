import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseDurationMs } from '../../src/cli/durations.ts';
import { UsageError } from '../../src/cli/failure.ts';
import { readFields } from '../../src/cli/fields.ts';
import { aligned, cell, printable } from '../../src/cli/text.ts';
import { didYouMean } from '../../src/lib/did-you-mean.ts';

describe('fields', () => {
  const schema = z.object({
    id: z.string(),
    n: z.number().optional(),
    inner: z.object({ text: z.string() }).optional(),
  });

  it.each([
    [['id=7'], { id: '7' }],
    [['id=true', 'n=7'], { id: 'true', n: 7 }],
    [['id={"a":1}'], { id: '{"a":1}' }],
    [['id=a=b'], { id: 'a=b' }],
    [['id='], { id: '' }],
    [['id=x', 'inner.text=1'], { id: 'x', inner: { text: '1' } }],
    [['id=x', 'n=much'], { id: 'x', n: 'much' }],
    [['{"id": 7}'], { id: 7 }],
    [[], {}],
  ])('%j is %j', (words, body) => {
    expect(readFields(words, schema)).toEqual(body);
  });

  it('a number out of range stays a number, so that the fault is about its range', () => {
    const bounded = z.object({ n: z.number().max(3) });
    expect(readFields(['n=7'], bounded)).toEqual({ n: 7 });
    expect(bounded.safeParse(readFields(['n=7'], bounded)).error?.issues[0]?.code).toBe('too_big');
  });

  it('one value is the list of it where a list is wanted', () => {
    const lists = z.object({ names: z.array(z.string()), numbers: z.array(z.number()).optional() });
    expect(readFields(['names=a'], lists)).toEqual({ names: ['a'] });
    expect(readFields(['names=7', 'numbers=7'], lists)).toEqual({ names: ['7'], numbers: [7] });
    expect(readFields(['names=["a","b"]'], lists)).toEqual({ names: ['a', 'b'] });
  });

  it('times and durations are taken as tail takes them', () => {
    const times = z.object({
      deadline: z.number(),
      ttlMs: z.number(),
      inner: z.object({ waitMs: z.number() }),
    });
    const words = ['deadline=2026-01-31T12:00:00Z', 'ttlMs=1.5s', 'inner.waitMs=2m'];
    expect(readFields(words, times)).toEqual({
      deadline: Date.UTC(2026, 0, 31, 12),
      ttlMs: 1_500,
      inner: { waitMs: 120_000 },
    });
    const text = z.object({ note: z.string() });
    expect(readFields(['note=2026-01-31'], text)).toEqual({ note: '2026-01-31' });
  });

  it('a number that would lose digits stays the text that was typed', () => {
    const any = z.object({ amount: z.unknown(), lot: z.unknown().optional() });
    expect(readFields(['amount=99999999999.123462'], any)).toEqual({ amount: '99999999999.123462' });
    expect(readFields(['amount=99999999999.12346'], any)).toEqual({ amount: 99999999999.12346 });
  });

  it('an object with such a number is refused, unless the schema wants text', () => {
    const words = ['id=x', 'lot={"price":99999999999.123462}'];
    const fault = 'lot: price: number 99999999999.123462 would lose digits; send it as a string';
    expect(() => readFields(words, z.object({ id: z.string(), lot: z.unknown() }))).toThrow(fault);
    expect(() => readFields(words, undefined)).toThrow(fault);
    expect(readFields(words, z.object({ id: z.string(), lot: z.string() }))).toEqual({
      id: 'x',
      lot: '{"price":99999999999.123462}',
    });
  });

  it.each([
    [['x']],
    [['=1']],
    [['a..b=1']],
    [['a=1', 'a.b=2']],
    [['a.b=1', 'a=2']],
    [['{"a"']],
    [['{}', 'a=1']],
  ])('%j is refused', (words) => {
    expect(() => readFields(words, undefined)).toThrow(UsageError);
  });

  it('without a schema takes for JSON what is JSON, and nothing reaches a prototype', () => {
    expect(readFields(['a=[1,"b"]', 'b=01'], undefined)).toEqual({ a: [1, 'b'], b: '01' });
    expect(() => readFields(['__proto__.x=1'], undefined)).toThrow(UsageError);
    expect(readFields(['constructor.x=1'], undefined)).toEqual({ constructor: { x: 1 } });
    expect(Reflect.get(Object, 'x')).toBeUndefined();
  });
});

it.each([
  ['250', 250],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['2m', 120_000],
  ['1d', 86_400_000],
  ['-1s', undefined],
  ['1 s', undefined],
  ['s', undefined],
  ['1y', undefined],
])('%s is a duration of %s ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

it('suggests what is near and nothing else', () => {
  expect(didYouMean('submittask', ['ClaimTask', 'SubmitTask'])).toBe('; did you mean SubmitTask?');
  expect(didYouMean('frobnicate', ['ClaimTask', 'SubmitTask'])).toBe('');
});

it('shows control characters instead of obeying them', () => {
  expect(printable('a\u001b[31m\u0007\u009b\u202e\tb\nc')).toBe(
    'a\\u001b[31m\\u0007\\u009b\\u202e\\u0009b\nc',
  );
  expect(cell('a\nb')).toBe('a\\nb');
});

it('aligns what stands below each other', () => {
  expect(aligned([['a', 'long', 'x'], ['bcd', '', 'y'], ['e']])).toBe('a    long  x\nbcd        y\ne');
});
