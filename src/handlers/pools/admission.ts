/** Whom a pool lets in. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Admission } from '../../protocol/documents.ts';

export function admits(admission: Admission, agent: string, token: string | undefined): boolean {
  switch (admission.kind) {
    case 'open':
      return true;
    case 'allowlist':
      return admission.agents.includes(agent);
    case 'token':
      return token !== undefined && digestMatches(token, admission.sha256);
  }
}

/** The same of a pool that may not be there at all, in the same time: a token is hashed whether it could count or not. */
export function admitsAny(
  admission: Admission | undefined,
  agent: string,
  token: string | undefined,
): boolean {
  const sha256 = admission?.kind === 'token' ? admission.sha256 : NOBODYS;
  const isRight = token !== undefined && digestMatches(token, sha256);
  if (admission === undefined) return false;
  return admission.kind === 'token' ? isRight : admits(admission, agent, token);
}

/** The digest of no token that anyone knows. */
const NOBODYS = '0'.repeat(64);

/** Compares in constant time, so that the answer's delay tells nothing about the digest. */
function digestMatches(token: string, sha256: string): boolean {
  const given = createHash('sha256').update(token, 'utf8').digest();
  return timingSafeEqual(given, Buffer.from(sha256, 'hex'));
}
