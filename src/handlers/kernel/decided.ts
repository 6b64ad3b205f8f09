import { type Code, isTransient } from '../../protocol/codes.ts';
import type { Json } from '../../protocol/json.ts';
import { RETRY_LATER_MS } from '../../protocol/limits.ts';
import type { EndOfStay } from '../../protocol/marks.ts';
import type { DomainEvent } from './events.ts';

/** The result of a handler: the events of the decision, or the one rule that it breaks. */
export interface Accepted<D = Json | undefined> {
  readonly status: 'accepted';
  readonly events: readonly DomainEvent[];
  readonly data: D;
  /** Whose stay in the pool ends with it, and when and why. */
  readonly ends?: EndedStay | undefined;
}

export interface EndedStay {
  readonly agent: string;
  readonly why: EndOfStay;
  /** Log time. */
  readonly at: number;
  readonly reason?: string | undefined;
  /** With what it has submitted and opened there. */
  readonly cancelsWork?: true | undefined;
}

export interface Rejected {
  readonly status: 'rejected';
  readonly code: Code;
  readonly message: string;
  readonly transient: boolean;
  readonly data?: Json | undefined;
}

export type Decided<D = Json | undefined> = Accepted<D> | Rejected;

export function accepted(events: readonly DomainEvent[]): Accepted<undefined>;
export function accepted<const D>(events: readonly DomainEvent[], data: D): Accepted<D>;
export function accepted(events: readonly DomainEvent[], data?: unknown): Accepted<unknown> {
  return { status: 'accepted', events, data };
}

export function rejected(code: Code, message: string, transient: boolean = isTransient(code)): Rejected {
  return { status: 'rejected', code, message, transient };
}

/** Which bound was met: its name, what it allows, and what of it was taken. */
export interface Met {
  readonly quota: string;
  readonly limit: number;
  readonly used: number;
}

/** A bound of the system, or a quota. `retryAfterMs`: when trying again may do; sooner it does not. */
export function rateLimited(
  message: string,
  { quota, limit, used }: Met,
  retryAfterMs: number = RETRY_LATER_MS,
): Rejected {
  const data = { quota, limit, used, retryAfterMs };
  return { status: 'rejected', code: 'rate_limited', message, transient: true, data };
}

/** Guards return what they looked for, or the rejection; this tells the two apart. */
export function isRejected(found: object): found is Rejected {
  return 'status' in found && found.status === 'rejected';
}
