import { createHash } from 'node:crypto';

/** Two contents with the same digest are taken for the same. */
export function digestOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22);
}
