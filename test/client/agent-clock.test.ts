/** Times are the log's. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('no deadline is reckoned by the clock of this machine', () => {
  const src = new URL('../../src/client/', import.meta.url);
  const users = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => /\bDate\.now\b|new Date\(\)/.test(readFileSync(new URL(file, src), 'utf8')));
  // Ids that sort by time, and the time of an outcome that never reached the log.
  expect(users.sort()).toEqual(['core/encode-decision.ts', 'core/ids.ts']);
});
