/**
 * Mutation testing of the commit script, which Stryker does not know: `npm run mutate:commit`. Each mutant is one small
 * change of src/state/commit.lua in a copy of the tree, on which the tests of the store run on a real Redis.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = 'src/state/commit.lua';
const TESTS = ['commit-script', 'redis-shard-store', 'snapshots'].map((name) => `test/state/${name}.test.ts`);
/** A mutant that loops holds Redis, and with it the tests. */
const TIMEOUT_MS = 90_000;

/** What nobody can see: the caller does not tell the two answers apart, and no operation is without arguments. */
const EQUIVALENT = 'changes nothing';

/** What stands there once, and what stands there instead. */
const MUTANTS = [
  ["held[1] or '0'", "held[1] or '1'"],
  ["held[1] or '0'", "'0'"],
  ['seq == ARGV[5] and ', ''],
  ['seq == ARGV[5] and ', 'seq == ARGV[5] or '],
  ['seq == ARGV[5]', 'seq ~= ARGV[5]'],
  ["redis.call('GET', KEYS[2]) == ARGV[4]", 'true'],
  ["redis.call('GET', KEYS[2]) == ARGV[4]", 'false'],
  ["return 'repeated'", "return 'committed'", EQUIVALENT],
  ["return 'repeated'", "return 'moved'"],
  ['seq ~= ARGV[1] or ', ''],
  ["(held[2] or '') ~= ARGV[2] or ", ''],
  [' or (held[3] or ARGV[3]) ~= ARGV[3]', ''],
  ["seq ~= ARGV[1] or (held[2] or '')", "seq ~= ARGV[1] and (held[2] or '')"],
  ['ARGV[2] or (held[3]', 'ARGV[2] and (held[3]'],
  ["(held[2] or '')", 'held[2]'],
  ['(held[3] or ARGV[3])', 'held[3]'],
  ['(held[3] or ARGV[3]) ~= ARGV[3]', 'held[3] == ARGV[3]'],
  ["return 'moved'", "return 'committed'"],
  ["return 'moved'", "return 'repeated'"],
  ["redis.call('HSET', KEYS[1], 'seq', '-1', 'hash', ARGV[4])", ''],
  ["'seq', '-1', 'hash', ARGV[4]", "'seq', ARGV[5], 'hash', ARGV[6]"],
  ["redis.call('HSET', KEYS[1], 'seq', ARGV[5], 'hash', ARGV[6], 'log', ARGV[3])", ''],
  ["'seq', ARGV[5], 'hash', ARGV[6], 'log', ARGV[3]", "'seq', ARGV[5], 'hash', ARGV[6]"],
  ["'hash', ARGV[6]", "'hash', ARGV[2]"],
  ['local at = 7', 'local at = 10'],
  ['local last = #ARGV', 'local last = #ARGV - 1', EQUIVALENT],
  ['while at <= last do', 'while false do'],
  ['KEYS[tonumber(ARGV[at + 1])]', 'KEYS[tonumber(ARGV[at + 1]) + 1]'],
  ["command == 'UNREF'", "command ~= 'UNREF'"],
  ["command == 'UNREF'", 'false'],
  ['for i = at, at + count - 1 do', 'for i = at + 1, at + count - 1 do'],
  ['for i = at, at + count - 1 do', 'for i = at, at + count - 2 do'],
  ['for i = at, at + count - 1 do', 'for i = at, at do'],
  ['ARGV[i], -1) <= 0', 'ARGV[i], -1) < 0'],
  ['ARGV[i], -1) <= 0', 'ARGV[i], -1) <= 1'],
  ['ARGV[i], -1) <= 0', 'ARGV[i], -1) == 0'],
  ['ARGV[i], -1) <= 0', 'ARGV[i], 1) <= 0'],
  ["redis.call('HDEL', KEYS[3], ARGV[i])", ''],
  ["redis.call('HDEL', key, ARGV[i])", ''],
  ['redis.call(command, key, unpack(ARGV, at, at + count - 1))', ''],
  ['unpack(ARGV, at, at + count - 1)', 'unpack(ARGV, at, at + count - 2)'],
  ['unpack(ARGV, at, at + count - 1)', 'unpack(ARGV, at, at)'],
  ['  at = at + count\n', '  at = last + 1\n'],
  ["redis.call('SET', KEYS[2], ARGV[4])", ''],
  ["redis.call('SET', KEYS[2], ARGV[4])", "redis.call('SET', KEYS[2], ARGV[5])"],
  ["return 'committed'", "return 'repeated'", EQUIVALENT],
  ["return 'committed'", "return 'moved'"],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'converge-mutants-'));
let running;
process.on('exit', () => {
  if (running !== undefined) killGroup(running);
  rmSync(copy, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
for (const name of ['src', 'verify', 'demo', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
const original = readFileSync(join(root, SCRIPT), 'utf8');

function killGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** `passed`, `failed` or `timed out`: of all the tests, with this script. */
async function outcomeWith(script) {
  writeFileSync(join(copy, SCRIPT), script);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // A group of its own, so that what hangs ends with its servers.
  const child = spawn(process.execPath, [vitest, 'run', '--bail', '1', ...TESTS], {
    cwd: copy,
    stdio: 'ignore',
    detached: true,
  });
  running = child;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child);
  }, TIMEOUT_MS);
  const code = await new Promise((resolve) => child.on('exit', resolve));
  clearTimeout(timer);
  running = undefined;
  return isLate ? 'timed out' : code === 0 ? 'passed' : 'failed';
}

const untouched = await outcomeWith(original);
if (untouched !== 'passed') {
  console.error(`the tests have to pass without any change first: they ${untouched}`);
  process.exit(1);
}
const lived = [];
let timedOut = 0;
for (const [from, to, why] of MUTANTS) {
  if (original.split(from).length !== 2) throw new Error(`not there once: ${from}`);
  const outcome = await outcomeWith(original.replace(from, () => to));
  if (outcome === 'passed') lived.push(why);
  if (outcome === 'timed out') timedOut++;
  const said = outcome === 'passed' ? `lived${why === undefined ? '' : ` (${why})`}` : outcome;
  console.log(`${said}  ${from.trim()}  ->  ${to.trim()}`);
}
const noticed = MUTANTS.length - lived.length;
console.log(`${noticed} of ${MUTANTS.length} noticed, ${timedOut} of them because the time was over`);
process.exitCode = lived.every((why) => why === EQUIVALENT) ? 0 : 1;
