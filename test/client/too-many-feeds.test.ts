import { expect, it } from 'vitest';
import { QueryError } from '../../src/lib/errors.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem({ auth: true });

it('a name that has more feeds than it may is told so by those that are closed, and the others go on', async () => {
  const client = await system.client(fresh('agent'), { role: 'agent' });
  const feeds = Array.from({ length: 68 }, () => client.events({ pool: 'commons' }));
  await Promise.all(feeds.map(({ opened }) => opened));
  const ends = feeds.map(async (feed) => {
    for await (const _event of feed);
  });
  const failed: unknown[] = [];
  for (const end of ends) end.catch((error) => failed.push(error));
  await expect.poll(() => failed.length, { timeout: 15_000 }).toBe(4);
  for (const error of failed) {
    expect(error).toBeInstanceOf(QueryError);
    expect(String(error)).toMatch(/rate_limited: an agent may have at most 64 feeds/);
  }
  expect(feeds.filter(({ isClosed }) => !isClosed)).toHaveLength(64);
}, 30_000);
