import type { Redis } from './redis.ts';
import { parse } from './replies.ts';

const CHUNK = 500;
/** No command gives the sizes of several fields. */
const SIZES = `
local sizes = {}
for i, field in ipairs(ARGV) do sizes[i] = redis.call('HSTRLEN', KEYS[1], field) end
return sizes`;

/** Reads that go to Redis together, in one write; each settles by itself. */
export class Reads {
  readonly #pipeline: ReturnType<Redis['pipeline']>;

  constructor(redis: Redis) {
    this.#pipeline = redis.pipeline();
  }

  /** Fields of a hash; null where there is none. */
  async fields(hash: string, fields: readonly string[]): Promise<(string | null)[]> {
    const chunks: Promise<(string | null)[]>[] = [];
    for (let i = 0; i < fields.length; i += CHUNK) chunks.push(this.#chunk(hash, fields.slice(i, i + CHUNK)));
    return (await Promise.all(chunks)).flat();
  }

  /** Documents in a hash; those that are not there are left out. */
  async documents<T>(hash: string, fields: readonly string[]): Promise<T[]> {
    const found: T[] = [];
    for (const json of await this.fields(hash, fields)) if (json !== null) found.push(parse<T>(json));
    return found;
  }

  /** How large they are; 0 where there is none. */
  async sizes(hash: string, fields: readonly string[]): Promise<number[]> {
    const chunks: Promise<number[]>[] = [];
    for (let i = 0; i < fields.length; i += CHUNK)
      chunks.push(this.#sizesOf(hash, fields.slice(i, i + CHUNK)));
    return (await Promise.all(chunks)).flat();
  }

  async send(): Promise<void> {
    if (this.#pipeline.length > 0) await this.#pipeline.exec();
  }

  #sizesOf(hash: string, fields: readonly string[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      // biome-ignore lint/plugin/no-spread: CHUNK
      this.#pipeline.eval(SIZES, 1, hash, ...fields, (error, sizes) => {
        if (error != null) reject(error);
        else resolve(Array.isArray(sizes) ? sizes.map(Number) : []);
      });
    });
  }

  #chunk(hash: string, fields: readonly string[]): Promise<(string | null)[]> {
    return new Promise((resolve, reject) => {
      // biome-ignore lint/plugin/no-spread: CHUNK
      this.#pipeline.hmget(hash, ...fields, (error, values) => {
        if (error != null) reject(error);
        else resolve(values ?? []);
      });
    });
  }
}
