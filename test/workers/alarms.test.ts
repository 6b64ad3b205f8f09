import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { ALARM_NAMES, Alarms } from '../../src/workers/health/alarms.ts';
import { alarmsOf, readOperations } from '../support/operations.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly alarm: string;
  readonly shard?: number;
}

function setUp() {
  const lines: Line[] = [];
  const logger: Logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const registry = new Registry();
  const time = { now: 1_000 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  return { alarms: new Alarms({ logger, clock, registry }), lines, registry, time };
}

describe('an alarm', () => {
  it('is one line of the log when it begins and one when it ends, however often it is raised and cleared', () => {
    const { alarms, lines } = setUp();
    for (let i = 0; i < 3; i++) alarms.raise('shard_halted', 4, 'the log is another', { reason: 'gone' });
    for (let i = 0; i < 3; i++) alarms.clear('shard_halted', 4);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'ALARM: the log is another',
      'alarm over: the log is another',
    ]);
    expect(lines[0]).toMatchObject({ level: 50, alarm: 'shard_halted', shard: 4, reason: 'gone' });
  });

  it('is said again each minute while it is raised', () => {
    const { alarms, lines, time } = setUp();
    for (; time.now < 1_000 + 125_000; time.now += 1_000) alarms.raise('log_full', undefined, 'full');
    expect(lines).toHaveLength(3);
  });

  it('is a figure while it is on, by its name and its shard', async () => {
    const { alarms, registry } = setUp();
    alarms.raise('shard_halted', 4, 'm');
    alarms.raise('log_full', undefined, 'm');
    const figures = async () => await registry.metrics();
    expect(await figures()).toContain('converge_alarm{alarm="shard_halted",shard="4"} 1');
    expect(await figures()).toContain('converge_alarm{alarm="log_full",shard=""} 1');
    alarms.clear('shard_halted', 4);
    expect(await figures()).not.toContain('shard_halted');
  });

  it('that stops work makes the worker not ready, one that warns does not', () => {
    const { alarms } = setUp();
    alarms.raise('redis_evicts', undefined, 'Redis may evict state');
    expect(alarms.notReady()).toEqual([]);
    alarms.raise('shard_halted', 4, 'the shard is halted', { reason: 'another log' });
    expect(alarms.notReady()).toEqual(['shard_halted: shard 4: the shard is halted: another log']);
  });

  it('keeps when it began, and what is newest about it', () => {
    const { alarms, time } = setUp();
    alarms.raise('log_full', undefined, 'full', { bytes: 1 });
    time.now += 10;
    alarms.raise('log_full', undefined, 'full', { bytes: 2 });
    expect(alarms.active).toMatchObject([{ alarm: 'log_full', since: 1_000, detail: { bytes: 2 } }]);
  });

  it('of a shard ends when the shard is given away; those of others stay', () => {
    const { alarms } = setUp();
    alarms.raise('shard_halted', 4, 'm');
    alarms.raise('sweep_overdue', 4, 'm');
    alarms.raise('shard_halted', 5, 'm');
    alarms.raise('log_full', undefined, 'm');
    alarms.clearAllOf(4);
    expect(alarms.active.map(({ alarm, shard }) => [alarm, shard])).toEqual([
      ['shard_halted', 5],
      ['log_full', undefined],
    ]);
  });
});

it('docs/operations.md has a row for every alarm: what it means, what to do, and whether work stands still', async () => {
  const rows = alarmsOf(await readOperations());
  expect(rows.map(({ alarm }) => alarm).toSorted()).toEqual(ALARM_NAMES.toSorted());
  for (const { alarm, stopsWork, meaning, toDo } of rows) {
    expect(meaning, alarm).not.toBe('');
    expect(toDo, alarm).not.toBe('');
    const { alarms } = setUp();
    const name = ALARM_NAMES.find((one) => one === alarm);
    if (name === undefined) throw new Error(`there is no alarm ${alarm}`);
    alarms.raise(name, undefined, 'm');
    expect(alarms.notReady().length > 0, alarm).toBe(stopsWork);
    expect(alarms.told()[0]?.toDo, alarm).not.toBe('');
  }
});
