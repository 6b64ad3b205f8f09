/** Pages of documents, found by indexes and never by scans. */

import type { Deadline } from '../lib/deadline.ts';
import { defined } from '../protocol/defined.ts';
import type { Page } from '../protocol/queries.ts';
import { PageBuilder } from './page-builder.ts';
import type { Redis } from './redis.ts';
import { pairs, parse } from './replies.ts';

export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What is shown of each of some documents, or undefined where it does not belong there (any more). */
export type View<D, T> = (documents: readonly D[]) => Promise<readonly (T | undefined)[]>;

/**
 * Documents of one hash in the order of several of its indexes together; in two of them one is found once. The cursor is the
 * place of the last one shown. Undefined for a cursor that is none of ours.
 */
export async function inOrder<D, T>(
  redis: Redis,
  sources: readonly string[],
  hash: string,
  { limit, cursor }: PageQuery,
  deadline: Deadline,
  view: View<D, T>,
): Promise<Page<T> | undefined> {
  let from = cursor === undefined ? -1 : Number(cursor);
  if (!Number.isSafeInteger(from)) return undefined;
  const page = new PageBuilder<T>(limit);
  let last = from;
  for (;;) {
    deadline.check();
    const count = page.nextRead;
    const entries = await entriesAfter(redis, sources, from, count);
    if (entries.length === 0) return { items: page.items };
    // biome-ignore lint/plugin/no-spread: PAGE
    const documents = await redis.hmget(hash, ...entries.map(({ id }) => id));
    const shown = await view(documents.flatMap((json) => (json === null ? [] : parse<D>(json))));
    let next = 0;
    for (const [i, { order }] of entries.entries()) {
      from = Math.max(from, order);
      const json = documents[i];
      if (json == null) continue;
      page.wasRead(json);
      const item = shown[next++];
      if (item === undefined) continue;
      if (!page.add(item)) return { items: page.items, cursor: String(last) };
      last = order;
    }
    if (entries.length < count) return { items: page.items };
  }
}

/** The first entries after a place, by order of submission, of several indexes together. */
async function entriesAfter(
  redis: Redis,
  sources: readonly string[],
  after: number,
  count: number,
): Promise<{ readonly id: string; readonly order: number }[]> {
  const lists = await Promise.all(
    sources.map((key) => redis.zrangebyscore(key, `(${after}`, '+inf', 'WITHSCORES', 'LIMIT', 0, count)),
  );
  const found = new Map(lists.flatMap((list) => pairs(list).map(([id, order]) => [id, Number(order)])));
  return [...found]
    .map(([id, order]) => ({ id, order }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count);
}

/**
 * A page of what is found by sorted names, of which one more than a page has was read where there is one. The cursor is
 * the last name that was looked at.
 */
export async function named<T>(
  names: readonly string[],
  limit: number,
  deadline: Deadline,
  read: (
    some: readonly string[],
  ) => Promise<({ readonly json: string; readonly item: T | undefined } | null | '')[]>,
): Promise<Page<T>> {
  const page = new PageBuilder<T>(limit);
  let last: string | undefined;
  for (let from = 0; from < names.length; ) {
    deadline.check();
    const some = names.slice(from, from + page.nextRead);
    for (const [i, found] of (await read(some)).entries()) {
      if (found) {
        page.wasRead(found.json);
        if (found.item !== undefined && !page.add(found.item))
          return { items: page.items, ...defined({ cursor: last }) };
      }
      last = some[i];
    }
    from += some.length;
  }
  // There may be more names where one of these has no document any more.
  return { items: page.items, ...(names.length > limit && last !== undefined ? { cursor: last } : {}) };
}
