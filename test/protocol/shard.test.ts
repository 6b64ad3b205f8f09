import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fnv1a32, shardOf } from '../../src/protocol/shard.ts';
import { character } from './characters.ts';

describe('FNV-1a, 32 bit', () => {
  // From the test vectors of the algorithm's authors (draft-eastlake-fnv, appendix C).
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['b', 0xe70c2de5],
    ['fo', 0x6222e842],
    ['foo', 0xa9f37ed7],
    ['foob', 0x3f5076ef],
    ['fooba', 0x39aaa18a],
    ['foobar', 0xbf9cf968],
  ])('of %j', (text, hash) => {
    expect(fnv1a32(text)).toBe(hash);
  });

  it('is taken over the UTF-8 bytes, not over UTF-16 units', () => {
    const overBytes = (bytes: Iterable<number>) => {
      let hash = 0x811c9dc5n;
      for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
      return Number(hash);
    };
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        expect(fnv1a32(text)).toBe(overBytes(new TextEncoder().encode(text)));
      }),
    );
  });
});

describe('shardOf', () => {
  it('is the hash modulo the number of shards', () => {
    expect(shardOf('foobar', 8)).toBe(0xbf9cf968 % 8);
    expect(shardOf('a', 7)).toBe(0xe40c292c % 7);
    expect(shardOf('anything', 1)).toBe(0);
  });

  it('does not depend on what was asked before, however much that was', () => {
    const before = shardOf('foobar', 64);
    for (let i = 0; i < 25_000; i++) shardOf(`pool-${i}`, 3);
    expect(shardOf('foobar', 64)).toBe(before);
    expect(shardOf('foobar', 5)).toBe(0xbf9cf968 % 5);
  });
});
