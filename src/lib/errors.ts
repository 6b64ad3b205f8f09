/**
 * Faults of the infrastructure and of the configuration. A wrong decision is not among them:
 * that is an outcome, a value with a code.
 */
import { shortened } from './shortened.ts';

/**
 * What is wrong, roughly: something broke; it was called in a way that it cannot be; the system said no; there is no such
 * thing; a server does not answer; it does not let us; a setting is wrong.
 */
export type ErrorKind =
  | 'failure'
  | 'usage'
  | 'rejected'
  | 'notFound'
  | 'unavailable'
  | 'noPermission'
  | 'configuration';

const MAX_MESSAGE_CHARS = 500;

/** Some say what to do about it, in several sentences. */
const MAX_CONFIGURATION_CHARS = 1_000;

/** What all errors of the package have in common. */
export abstract class ConvergeError extends Error {
  /** What is wrong, roughly: for programs that treat some errors alike. */
  abstract readonly kind: ErrorKind;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A setting is unknown, malformed, or contradicts what the system was created with. */
export class ConfigurationError extends ConvergeError {
  readonly kind = 'configuration';

  /** Messages quote what someone set, of any length. */
  constructor(message: string, options?: ErrorOptions) {
    super(shortened(message, MAX_CONFIGURATION_CHARS), options);
  }
}

/** NATS or Redis does not respond, or not in time. */
export class UnavailableError extends ConvergeError {
  readonly kind = 'unavailable';
}

/** The log does not continue from the applied position: it was rolled back, recreated or trimmed too far. Not repairable here. */
export class LogDivergedError extends ConvergeError {
  readonly kind = 'failure';
}

/** Reading the log was interrupted; it is safe to verify and to read on from the position. */
export class LogInterruptedError extends ConvergeError {
  readonly kind = 'unavailable';
}

/** Another worker has written to the shard: the state in this worker's memory is stale. */
export class ShardLostError extends ConvergeError {
  readonly kind = 'failure';
}

/**
 * How far a write to the store came: it was never sent; it was refused before anything was written; it was sent and
 * nobody answered; it was answered with any other error, and part of it may be written.
 */
export type WriteFailure = 'unsent' | 'refused' | 'unanswered' | 'broken';

/** The store could not be written. The reaction depends on how far the write came. */
export class WriteFailedError extends UnavailableError {
  readonly failure: WriteFailure;

  constructor(failure: WriteFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** A snapshot differs from what was written, or belongs to another shard: the previous one must be used. */
export class SnapshotDamagedError extends ConvergeError {
  readonly kind = 'failure';
}

/** A snapshot could not be taken this time; earlier ones stay valid, and the next attempt comes by itself. */
export class SnapshotFailedError extends ConvergeError {
  readonly kind = 'unavailable';
}

/** The store holds data that no commit of ours wrote. */
export class StoredStateError extends ConvergeError {
  readonly kind = 'failure';
}

/** The log refused a decision, or did not confirm it in time. */
export class PublishError extends ConvergeError {
  readonly kind = 'unavailable';
  /** The log will never accept it: a retry changes nothing. */
  readonly isFinal: boolean;
  /** It was sent and not confirmed: the log may still hold it. */
  readonly mayBeStored: boolean;

  constructor(
    message: string,
    {
      isFinal = false,
      mayBeStored = false,
      ...options
    }: ErrorOptions & { readonly isFinal?: boolean; readonly mayBeStored?: boolean } = {},
  ) {
    super(message, options);
    this.isFinal = isFinal;
    this.mayBeStored = mayBeStored;
  }
}

/**
 * The log did not confirm a decision, and no worker knows an outcome of it. It may still be applied, or never have been
 * stored. Sending the same content with the same id again is safe for as long as outcomes are stored.
 */
export class OutcomeUnknownError extends ConvergeError {
  readonly kind = 'unavailable';
}

/** No outcome arrived in time. The decision may still be applied: send it again with the same id. */
export class OutcomeTimeoutError extends ConvergeError {
  readonly kind = 'unavailable';
}

/** Thrown only by methods whose name says so (`…OrThrow`). */
export class DecisionRejectedError extends ConvergeError {
  readonly kind = 'rejected';
  /** Which rule it broke: a {@link Code} of the protocol. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** A query was rejected, or asked for an entity that does not exist. */
export class QueryError extends ConvergeError {
  readonly kind: ErrorKind;
  /** Why: a {@link Code} of the protocol. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
    this.kind = code.endsWith('_not_found') ? 'notFound' : 'rejected';
  }
}

/** The NATS server does not let this connection do something; the message says what, and which command grants it. */
export class PermissionDeniedError extends ConvergeError {
  readonly kind = 'noPermission';
  /** The same for all of this class. */
  readonly code = 'permission_denied';
}

/** The server does not know the credentials: revoked, never added, or not reloaded since. */
export class NotAuthorizedError extends ConvergeError {
  readonly kind = 'noPermission';
  /** The same for all of this class. */
  readonly code = 'not_authorized';
}

/** Credentials that cannot be read, or that contradict each other. */
export class CredentialsError extends ConvergeError {
  readonly kind = 'configuration';
  /** The same for all of this class. */
  readonly code = 'bad_credentials';

  /** Messages quote given paths, of any length. */
  constructor(message: string, options?: ErrorOptions) {
    super(shortened(message, MAX_MESSAGE_CHARS), options);
  }
}

/** `converge auth` could not do its work; the code says why. */
export class AuthFolderError extends ConvergeError {
  readonly kind = 'configuration';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The message of any thrown value, as text: authors of agents throw anything. Never throws itself. */
export function messageOf(error: unknown): string {
  try {
    const said = error instanceof Error ? error.message : error;
    if (typeof said === 'string') return said;
    if (error instanceof Error && said === undefined) return error.name;
    return typeof said === 'object' && said !== null ? (JSON.stringify(said) ?? String(said)) : String(said);
  } catch {
    return 'a value that cannot be shown as text';
  }
}
