/**
 * Who someone is to the NATS server, and what a query's subject proves of it: `queries.<name>.<asker>`, where the
 * server lets each agent publish under its own name only, operators as `_operator` and observers as `_observer`.
 */
import { isName, isReserved, OBSERVER, OPERATOR } from './names.ts';

export const ROLES = ['agent', 'worker', 'operator', 'observer'] as const;
/** What a connection may do: decide, operate, look on, or work for the system. */
export type Role = (typeof ROLES)[number];

/** As whom the server knows a connection. */
export interface Identity {
  readonly role: Role;
  readonly name: string;
}

/** Who asks, as far as the subject proves it. */
export type Asker =
  | { readonly kind: 'agent'; readonly agent: string }
  /** Operators and observers: nothing is hidden from them. */
  | { readonly kind: 'overseer'; readonly name: typeof OPERATOR | typeof OBSERVER }
  | { readonly kind: 'anyone' };

/** The last token of the subject on which this identity asks. Workers answer and do not ask. */
export function askerName({ role, name }: Identity): string {
  if (role === 'operator') return OPERATOR;
  return role === 'observer' ? OBSERVER : name;
}

/** Undefined for a reserved name that nobody asks under. */
export function askerOf(token: string | undefined): Asker | undefined {
  if (token === undefined) return { kind: 'anyone' };
  if (token === OPERATOR || token === OBSERVER) return { kind: 'overseer', name: token };
  return isName(token) && !isReserved(token) ? { kind: 'agent', agent: token } : undefined;
}

/** The inboxes of an identity begin with this: no other one may listen there. Agents have the plain names. */
export function inboxPrefix({ role, name }: Identity): string {
  return role === 'agent' ? `_INBOX.${name}` : `_INBOX._${role}.${name}`;
}

/** Whose inboxes begin so; undefined for a prefix of another form. */
export function identityOfInboxes(prefix: string): Identity | undefined {
  const [, word, name = ''] = /^_INBOX\.(?:_([a-z]+)\.)?([^.]+)$/.exec(prefix) ?? [];
  const role = word === undefined ? 'agent' : ROLES.find((each) => each === word);
  return role === undefined || !isName(name) || isReserved(name) ? undefined : { role, name };
}
