/** Says of a refusal of the NATS server what was missing, and which command grants it. */
import { PermissionViolationError } from 'nats';
import { PermissionDeniedError } from '../lib/errors.ts';

/** The {@link PermissionDeniedError} for what the server refused; undefined when it is no such refusal. */
export function permissionDenied(error: unknown): PermissionDeniedError | undefined {
  const violation = violationIn(error);
  if (violation === undefined) return undefined;
  const { operation, subject } = violation;
  return deniedOn(operation, subject, violation);
}

export function deniedOn(
  operation: 'publish' | 'subscription',
  subject: string,
  cause?: unknown,
): PermissionDeniedError {
  const what = operation === 'publish' ? 'publish on' : 'subscribe to';
  return new PermissionDeniedError(
    `the NATS server does not let this connection ${what} ${subject}: ${remedy(subject)}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Some errors of the library hold it as their cause. */
function violationIn(error: unknown): PermissionViolationError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    if (at instanceof PermissionViolationError) return at;
  }
  return undefined;
}

const REMEDIES: readonly (readonly [RegExp, (name: string) => string])[] = [
  [
    /^_INBOX(?:\.|$)/,
    () => 'its inbox must begin with the prefix that `converge auth show` prints for its name',
  ],
  [/^\$(?:JS|SRV)\./, () => 'only operators may; converge auth add-operator <name>'],
  [/\.(?:decisions\.[^.]+|decide)\.[^.]+\.([\w-]+)$/, ownedBy],
  [/\.(?:results|feeds)\.([\w-]+)\./, ownedBy],
  [/\.queries\.[^.]+\.([\w-]+)$/, ownedBy],
  [/\.queries\./, () => 'anyone may ask who has credentials; converge auth add-agent <name>'],
  [
    /\.events\.([\w-]+)\./,
    (pool) => `without a feed it takes a grant; converge auth add-agent <name> --events ${pool}`,
  ],
  [
    /\.(?:events|results|sweeps)\b/,
    () => 'only observers and operators may; converge auth add-observer <name>',
  ],
  [/\.deadletters\./, () => 'only operators may; converge auth add-operator <name>'],
];

function ownedBy(name: string): string {
  if (name === '_operator') return 'only operators may; converge auth add-operator <name>';
  if (name === '_observer') return 'only observers may; converge auth add-observer <name>';
  return `only ${name} may; converge auth add-agent ${name} makes credentials for it`;
}

function remedy(subject: string): string {
  for (const [pattern, text] of REMEDIES) {
    const found = pattern.exec(subject);
    if (found !== null) return text(found[1] ?? '');
  }
  return 'no role of converge auth may';
}
