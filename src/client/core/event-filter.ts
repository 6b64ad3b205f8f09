/** Which events a feed gives out of those that it reads. Its numbers are checked over all of them. */
import { ConfigurationError } from '../../lib/errors.ts';
import { shortened } from '../../lib/shortened.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isName } from '../../protocol/names.ts';
import type { EventStart } from './event-source.ts';

/** A subscription reads whole pools; everything but the pool is chosen where it is read. */
export interface EventChoice {
  /** Types as the documentation names them, like `task.completed`, or whole families, like `task.*`. Left out: all. */
  readonly types?: readonly string[] | undefined;
  /** What they are about: one thing, like `task/t-1`, or all of a kind, like `task`. Left out: everything. */
  readonly subject?: string | undefined;
}

const TYPE = /^[a-z]+\.([a-z_]+|\*)$/;
const KIND = /^[a-z]+$/;

/** Throws a {@link ConfigurationError} for a choice that no event can ever meet. */
export function eventFilter(
  { types, subject }: EventChoice,
  start: EventStart,
): (event: ConvergeEvent) => boolean {
  const isOfType = typeFilter(types);
  const isAbout = subjectFilter(subject);
  const since = typeof start === 'object' && 'since' in start ? start.since : undefined;
  return (event) =>
    isOfType(event.type) &&
    isAbout(event.subject) &&
    (since === undefined || Date.parse(event.time) >= since);
}

function typeFilter(types: readonly string[] | undefined): (type: string) => boolean {
  if (types === undefined) return () => true;
  const wanted = new Set<string>();
  for (const type of types) {
    if (!TYPE.test(type)) {
      throw new ConfigurationError(
        `types of an event feed: names like task.completed or task.*, not ${shortened(JSON.stringify(type), 100)}`,
      );
    }
    wanted.add(`converge.${type}`);
  }
  return (type) => wanted.has(type) || wanted.has(`${type.slice(0, type.lastIndexOf('.'))}.*`);
}

function subjectFilter(subject: string | undefined): (subject: string) => boolean {
  if (subject === undefined) return () => true;
  const [kind = '', id, ...rest] = subject.split('/');
  if (!KIND.test(kind) || rest.length > 0 || (id !== undefined && !isName(id))) {
    throw new ConfigurationError(
      `subject of an event feed: task/t-1, or task for all tasks, not ${shortened(JSON.stringify(subject), 100)}`,
    );
  }
  const prefix = `${kind}/`;
  return id === undefined ? (about) => about.startsWith(prefix) : (about) => about === subject;
}
