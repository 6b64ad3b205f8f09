/** The user of the workers may call what the source calls: otherwise a query fails only where there are identities. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REDIS_WORKER, redisAcl } from '../../src/auth/redis-acl.ts';

const ROOT = new URL('../../src/', import.meta.url).pathname;
/** Commands on hashes, lists, sets, sorted sets and streams: no method of JavaScript has a name like theirs. */
const CALL =
  /[.'"](h(?:get|set|del|len|keys|vals|scan|exists|incrby|strlen|mget|mset|getall)[a-z]*|z(?!set\b)[a-z]{3,}|l(?:range|trim|len|index|push|pop|rem|pos)|r(?:push|pop)[a-z]*|s(?:add|rem|card|members|ismember|mismember|scan)|x(?:add|del|len|range|read|trim))['"(]/g;

function callsIn(folder: string): Map<string, string> {
  const calls = new Map<string, string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(ts|lua)$/.test(name)) continue;
    for (const [, command = ''] of readFileSync(join(folder, name), 'utf8').matchAll(CALL)) {
      calls.set(command, name);
    }
  }
  return calls;
}

it('every Redis command that the state and the workers use is allowed to their user', () => {
  const acl = redisAcl('converge', { worker: 'w', bullmq: 'b' });
  const line = acl.split('\n').find((user) => user.startsWith(`user ${REDIS_WORKER} `)) ?? '';
  const allowed = new Set([...line.matchAll(/\+(\S+)/g)].map(([, command]) => command));
  const calls = new Map(['state', 'workers', 'cli'].flatMap((folder) => [...callsIn(join(ROOT, folder))]));
  expect(calls.size).toBeGreaterThan(15);
  expect([...calls].filter(([command]) => !allowed.has(command))).toEqual([]);
});
