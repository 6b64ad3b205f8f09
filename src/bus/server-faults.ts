/** Known faults of servers that would otherwise be good enough. */
import { isAtLeast } from '../lib/is-at-least.ts';

/**
 * nats-server #3862, mended in 2.9.15: a reply subject with a wildcard, on what is imported from another account, sends
 * the server into a recursion without end. Tried on 2.9.10: one such message of an agent ends the process.
 */
const WILDCARD_REPLY_MENDED = '2.9.15';

/** What an attacker with an agent's credentials can do to a server of this version; undefined if nothing is known. */
export function faultForAgents(version: string): string | undefined {
  if (isAtLeast(version, WILDCARD_REPLY_MENDED)) return undefined;
  return `nats-server ${version} can be crashed by any agent with one message (nats-server #3862): use ${WILDCARD_REPLY_MENDED} or newer where agents are not trusted`;
}
