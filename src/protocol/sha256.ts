/** Hashes of what travels. */
import crypto from 'node:crypto';

const CHARS = 22;

/** In one call, which takes half the time; Node has it from 20.12 on. */
const atOnce: typeof crypto.hash | undefined = crypto.hash;

/** 132 bits of the SHA-256 of all parts together, in base64url: 22 characters. */
export function shortHash(bytes: Uint8Array): string {
  const digest =
    atOnce === undefined
      ? crypto.createHash('sha256').update(bytes).digest('base64url')
      : atOnce('sha256', bytes, 'base64url');
  return digest.slice(0, CHARS);
}
