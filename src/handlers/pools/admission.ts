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

/** Compares in constant time, so that the answer's delay tells nothing about the digest. */
function digestMatches(token: string, sha256: string): boolean {
  const given = createHash('sha256').update(token, 'utf8').digest();
  return timingSafeEqual(given, Buffer.from(sha256, 'hex'));
}
