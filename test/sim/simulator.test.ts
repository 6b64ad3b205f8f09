/** The simulator itself: that a seed is one run, that nothing is found where nothing is wrong, and that bugs are found. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { playSeed, playSeeds } from '../../verify/sim/campaign.ts';
import { ALL_BUGS, hunt } from '../../verify/sim/planted.ts';

const FROM = 1;

describe('a seed', () => {
  it('is one run, step for step, however often it is played', async () => {
    for (const seed of [3, 17, 99]) {
      const [first, again] = [await playSeed(seed, { hashed: true }), await playSeed(seed, { hashed: true })];
      expect(first.trace).toMatch(/^[0-9a-f]{64}$/);
      expect(again).toEqual(first);
    }
  });

  it('is the same run whether or not anybody looks, and whatever was played before', async () => {
    const seen: string[] = [];
    const shown = await playSeed(42, { hashed: true, show: (line) => seen.push(line) });
    await playSeed(7);
    const { trace: _, ...unseen } = await playSeed(42);
    expect(seen.length).toBeGreaterThan(20);
    expect(shown).toMatchObject(unseen);
  });

  it('is another run than the next one', async () => {
    const traces = [];
    for (let seed = 0; seed < 20; seed++) traces.push((await playSeed(seed, { hashed: true })).trace);
    expect(new Set(traces).size).toBe(20);
  });
});

it('a sample of seeds breaks no invariant, and meets faults of every kind', async () => {
  const campaign = await playSeeds(FROM, 150);
  expect(campaign.violations).toEqual([]);
  expect(campaign.decisions).toBeGreaterThan(5_000);
  expect(campaign.events).toBeGreaterThan(1_000);
  const kinds = ['crash', 'pause', 'lease_stolen', 'store_rolled_back', 'store_emptied', 'log_rolled_back'];
  const onTheWay = [
    'commit_answer_lost',
    'commit_late',
    'delivery_lost',
    'delivery_doubled',
    'resent',
    'malformed',
  ];
  const ofTrimming = ['marks_lost', 'snapshots_lost', 'mark_stale'];
  for (const kind of [...kinds, ...onTheWay, ...ofTrimming])
    expect(campaign.faults[kind], kind).toBeGreaterThan(0);
}, 240_000);

/** A worker had read a Clock that stood behind what it had applied, when the log was made anew. */
it('the judge replays by the Clocks that were known, those too that the log lost before their turn came', async () => {
  expect((await playSeeds(6704, 1)).violations).toEqual([]);
});

describe('a planted bug is found within 1,000 seeds:', () => {
  it.each(ALL_BUGS)('%s', { timeout: 400_000 }, async (bug) => {
    const { seeds, violation } = await hunt(bug, FROM, 1_000);
    expect(seeds).toBeDefined();
    expect(violation?.replay).toBe(`npm run sim -- --seed ${violation?.seed}`);
  });
});

it('every planted bug stands in the table of docs/testing.md, with how soon it was found', async () => {
  const page = await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8');
  const [, table = ''] = /\| bug \| seeds \| by \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| (.+) \| \d+ \| I\d \|$/gm)].map(([, bug]) => bug);
  expect(rows.toSorted()).toEqual([...ALL_BUGS].toSorted());
});
