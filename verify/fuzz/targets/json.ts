/** Reading JSON at all: what is accepted means the same to everyone who reads it again. */
import { isUtf8 } from 'node:buffer';
import { parseJson } from '../../../src/protocol/json.ts';
import { MAX_DEPTH } from '../../../src/protocol/limits.ts';
import type { Random } from '../../kit/chance/random.ts';
import { validDecision } from '../corpus/decisions.ts';
import { mutatedBytes, randomBytes } from '../mutate/bytes.ts';
import { mutatedJson } from '../mutate/json.ts';
import { nastyJson } from '../mutate/nasty.ts';
import { must, mustBeTellable } from '../oracle.ts';
import type { Target } from './target.ts';

export const jsonTarget: Target = {
  name: 'json',
  share: 0.19,
  trial(random) {
    const input = bytesOf(random);
    return { input, run: () => check(input) };
  },
};

function bytesOf(random: Random): Uint8Array {
  const kind = random.integer(10);
  if (kind === 0) return randomBytes(random.integer(64), random);
  if (kind < 4) return mutatedBytes(Buffer.from(nastyJson(random)), random.integer(3), random);
  const text = mutatedJson(validDecision(random), random.integer(4), random);
  return mutatedBytes(Buffer.from(text), random.integer(3), random);
}

function check(bytes: Uint8Array): void {
  const parsed = parseJson(bytes);
  if (!parsed.ok) {
    mustBeTellable('the reason', parsed.why, 500);
    return;
  }
  must(isUtf8(bytes), 'what is no UTF-8 was read');
  const text = JSON.stringify(parsed.value);
  const again = parseJson(Buffer.from(text));
  must(again.ok && JSON.stringify(again.value) === text, 'written and read again it is something else');
  must(depthOf(parsed.value) <= MAX_DEPTH, 'it is nested deeper than allowed');
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const member of Object.values(value)) deepest = Math.max(deepest, depthOf(member));
  return deepest + 1;
}
