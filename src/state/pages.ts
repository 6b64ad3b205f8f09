/** Reads documents of a hash page by page, so that neither an answer nor what it is parsed from takes much memory at once. */
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';
import type { LoadGuard } from './shard-store.ts';

export const NO_GUARD: LoadGuard = { expect: () => undefined, page: () => undefined };

const MAX_PAGE_DOCUMENTS = 500;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** So many of the largest decision fit: nobody knows yet how large these documents are. */
const FIRST_PAGE_DOCUMENTS = 8;

export class Pages {
  readonly #redis: Redis;
  readonly #onPage: () => void;

  /** Any error that `onPage` throws ends the reading. */
  constructor(redis: Redis, onPage: () => void) {
    this.#redis = redis;
    this.#onPage = onPage;
  }

  /** Those that are there, in the order in which they were asked for. A page is as large as the one before suggests. */
  async documents<T>(key: string, ids: readonly string[]): Promise<T[]> {
    const documents: T[] = [];
    let most = FIRST_PAGE_DOCUMENTS;
    for (let at = 0; at < ids.length; ) {
      // biome-ignore lint/plugin/no-spread: MAX_PAGE_DOCUMENTS
      const page = await this.#redis.hmget(key, ...ids.slice(at, at + most));
      at += page.length;
      let chars = 0;
      for (const json of page) {
        if (json === null) continue;
        chars += json.length;
        documents.push(parse<T>(json));
      }
      this.#onPage();
      const fitting = Math.floor((MAX_PAGE_BYTES * page.length) / Math.max(1, chars));
      // At most four times as many as were seen: documents of one kind can be of very different sizes.
      most = Math.max(1, Math.min(MAX_PAGE_DOCUMENTS, fitting, 4 * most));
    }
    return documents;
  }
}
