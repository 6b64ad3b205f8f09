import { randomFillSync } from 'node:crypto';

const ENTROPY = Buffer.alloc(8 * 512);
const MAX_COUNTER = 0xfff;
let used = ENTROPY.length;
let lastMs = 0;
let counter = 0;

/**
 * A UUIDv7 (RFC 9562): 48 bits of milliseconds, a 12-bit counter, 62 random bits. Those of one process sort in the
 * order in which they were made, also within a millisecond and when the clock is set back: then the time stands still,
 * and where the counter runs over it goes ahead.
 */
export function uuidv7(now: number = Date.now()): string {
  tick(now);
  const time = lastMs.toString(16).padStart(12, '0');
  const count = counter.toString(16).padStart(3, '0');
  const random = entropy();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${random.slice(0, 4)}-${random.slice(4)}`;
}

function tick(now: number): void {
  if (now > lastMs) {
    lastMs = now;
    counter = 0;
  } else if (counter < MAX_COUNTER) {
    counter++;
  } else {
    lastMs++;
    counter = 0;
  }
}

/** 64 random bits in hexadecimal, the first two of them the variant `10`. */
function entropy(): string {
  if (used >= ENTROPY.length) {
    randomFillSync(ENTROPY);
    used = 0;
  }
  const start = used;
  used += 8;
  ENTROPY[start] = 0x80 | ((ENTROPY[start] ?? 0) & 0x3f);
  return ENTROPY.toString('hex', start, used);
}
