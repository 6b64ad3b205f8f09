/**
 * Lists of any length. A call takes some 120,000 arguments at most: a list that is spread into one ends it when it is
 * longer, so that lists without a constant bound go through here.
 */

export function pushAll<T>(list: T[], more: Iterable<T>): void {
  for (const item of more) list.push(item);
}

/** Undefined of none. */
export function least(numbers: Iterable<number>): number | undefined {
  let found: number | undefined;
  for (const number of numbers) if (found === undefined || number < found) found = number;
  return found;
}

/** Undefined of none. */
export function greatest(numbers: Iterable<number>): number | undefined {
  let found: number | undefined;
  for (const number of numbers) if (found === undefined || number > found) found = number;
  return found;
}
