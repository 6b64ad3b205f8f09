import type { ErrorKind } from '../errors.ts';

/** Exit codes of the command line, after sysexits(3) where it has one. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  rejected: 3,
  notFound: 4,
  unavailable: 69,
  noPermission: 77,
  configuration: 78,
} as const satisfies Readonly<Record<ErrorKind | 'ok', number>>;

/** What a program exits with after an error that nobody has handled: its kind decides, else it is a failure. */
export function exitCodeOf(error: unknown): number {
  const kind = error instanceof Error && 'kind' in error ? error.kind : undefined;
  return isKind(kind) ? EXIT[kind] : EXIT.failure;
}

function isKind(kind: unknown): kind is ErrorKind {
  return typeof kind === 'string' && kind !== 'ok' && Object.hasOwn(EXIT, kind);
}
