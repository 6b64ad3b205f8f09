/**
 * The number of the public protocol (docs/protocol.md). It stands in the description of the streams and in the query `stats`:
 * a process that finds another version there reads nothing, because it would misunderstand it.
 */
export const PROTOCOL = 2;

/** What is wrong with a system of another protocol, and what to do about it; `found` is undefined before there were numbers. */
export function otherProtocol(where: string, found: number | undefined): string {
  return (
    `${where} has protocol ${found ?? 1}, and this version of Converge reads protocol ${PROTOCOL} only: ` +
    `use the version that made it, or begin a new system in another namespace (CONVERGE_NAMESPACE)`
  );
}
