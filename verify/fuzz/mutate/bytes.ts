/** Changes to bytes that know nothing of what they mean. */
import type { Random } from '../../kit/chance/random.ts';

/** Sequences that are no UTF-8, or are so only just: overlong, a surrogate, beyond the last character, cut short. */
const ODD = [
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0xff],
  [0xef, 0xbb, 0xbf],
  [0x00],
  [0x0a],
  [0x22],
  [0x5c],
  [0x7b],
  [0x7d],
  [0x5b],
  [0x5d],
  [0x3a],
  [0x2c],
  [0xf0, 0x9f, 0x98, 0x80],
] as const;

export function mutatedBytes(bytes: Uint8Array, changes: number, random: Random): Uint8Array {
  let mutated = Buffer.from(bytes);
  for (let i = 0; i < changes; i++) mutated = changed(mutated, random);
  return mutated;
}

function changed(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  const at = random.integer(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random.integer(16));
  switch (random.integer(7)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(8));
      return flipped;
    }
    case 1:
      return Buffer.from(bytes.subarray(0, at));
    case 2:
      return Buffer.from(bytes.subarray(at));
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(ODD)), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at, to), bytes.subarray(to)]);
    default:
      return Buffer.concat([
        bytes.subarray(0, at),
        randomBytes(1 + random.integer(4), random),
        bytes.subarray(at),
      ]);
  }
}

export function randomBytes(count: number, random: Random): Buffer<ArrayBuffer> {
  return Buffer.from(Array.from({ length: count }, () => random.integer(256)));
}
