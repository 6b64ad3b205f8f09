/** Known faults of servers that would otherwise be good enough. */

/**
 * nats-server #3862, mended in 2.9.15: a reply subject with a wildcard, on what is imported from another account, sends
 * the server into a recursion without end. Tried on 2.9.10: one such message of an agent ends the process.
 */
const WILDCARD_REPLY_MENDED = [2, 9, 15] as const;

/** What an attacker with an agent's credentials can do to a server of this version; undefined if nothing is known. */
export function faultForAgents(version: string): string | undefined {
  const found = version.split(/[.-]/).map(Number);
  for (const [i, mended] of WILDCARD_REPLY_MENDED.entries()) {
    const number = found[i] ?? 0;
    if (Number.isNaN(number) || number > mended) return undefined;
    if (number < mended)
      return `nats-server ${version} can be crashed by any agent with one message (nats-server #3862): use ${WILDCARD_REPLY_MENDED.join('.')} or newer where agents are not trusted`;
  }
  return undefined;
}
