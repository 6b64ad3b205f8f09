/**
 * Scopes: what a delegation lets the delegate decide. An entry names a decision type (`Vote`) or a family (`votes`),
 * or either narrowed to one thing by its id (`Vote:v-7`, `tasks:t-1`).
 */
import { familyOf } from './families.ts';

/** What a delegation covers; see {@link covers}. */
export type Scope = readonly string[];

/** A decision as scopes see it. */
export interface ScopedDecision {
  readonly type: string;
  /** Absent for types that belong to no family. */
  readonly family?: string | undefined;
  /** The one task, auction, vote, session or delegation that it concerns; absent where there is none (ClaimNextTask). */
  readonly entityId?: string | undefined;
}

/** One entry of a scope, taken apart: a type or a family, and the one thing it is narrowed to. */
export interface ScopeEntry {
  /** A decision type or a family. */
  readonly name: string;
  readonly entityId?: string;
}

const ENTRY = /^([A-Za-z][A-Za-z0-9_-]{0,63})(?::([A-Za-z0-9_-]{1,64}))?$/;

/** The parts of an entry, or undefined if the text is none. It does not ask whether such a type or thing exists. */
export function parseScopeEntry(text: string): ScopeEntry | undefined {
  const match = ENTRY.exec(text);
  if (match === null) return undefined;
  const [, name = '', entityId] = match;
  return entityId === undefined ? { name } : { name, entityId };
}

/**
 * Does a scope cover a decision? One entry that names its type or family, and its id if the entry is narrowed,
 * suffices. A narrowed entry does not cover a decision about no particular thing, and an empty scope covers nothing.
 */
export function covers(scope: Scope, { type, family, entityId }: ScopedDecision): boolean {
  const names = family === undefined ? [type] : [type, family];
  return names.some(
    (name) => scope.includes(name) || (entityId !== undefined && scope.includes(`${name}:${entityId}`)),
  );
}

/**
 * Does the child's scope stay within the parent's? So it is if every entry of the child is covered by one entry of the
 * parent: equal, a type within the parent's family, or the same narrowed to one thing. A family is not within the list
 * of its types, since the family would take in types that are added to it later.
 */
export function narrows(child: Scope, parent: Scope): boolean {
  return child.every((text) => {
    const entry = parseScopeEntry(text);
    if (entry === undefined) return false;
    return covers(parent, { type: entry.name, family: familyOf(entry.name), entityId: entry.entityId });
  });
}
