/** Workers whose settings differ are told, and do not overrule each other in turns. */
import { expect, it, vi } from 'vitest';
import { shardKeys } from '../../src/state/keys.ts';
import { type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();

async function inForce({ ns }: Space): Promise<number> {
  const text = (await system.redis.hget(shardKeys(ns, 0).meta, 'settings')) ?? '{}';
  return JSON.parse(text).finalRetentionCount;
}

const alarmOf = (worker: { healthUrl: string | undefined }) => async () =>
  /converge_alarm\{alarm="settings_differ",shard=""\} 1/.test(
    await (await fetch(`${worker.healthUrl}/metrics`)).text(),
  );

it('both say which and what, those in force stay until they agree, and then the new ones hold', async () => {
  const space = system.space({ shards: 1, httpPort: 0 });
  const lines: string[] = [];
  const { pino } = await import('pino');
  const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const first = await space.worker({ settings: { finalRetentionCount: 11 } });
  const agent = await space.agent('ann');
  await agent.decide('commons', { type: 'JoinPool' });
  await until('the first settings to be in force', async () => (await inForce(space)) === 11);
  const second = await space.worker({ settings: { finalRetentionCount: 22 }, leaseMs: 1_500 }, logger);
  await until('both alarms', async () => (await alarmOf(first)()) && (await alarmOf(second)()));
  const told = lines.find((line) => line.includes('settings_differ')) ?? '';
  expect(told).toContain('CONVERGE_FINAL_RETENTION_COUNT is 22 here and 11');
  expect(told).toContain('CONVERGE_LEASE_MS is 1500 here and 1000');
  for (let i = 0; i < 10; i++) {
    await agent.decide('commons', { type: 'Heartbeat' });
    expect(await inForce(space)).toBe(11);
  }
  expect(second.notReady()).toEqual([]);
  await first.stop();
  await until('the alarm to be over', async () => !(await alarmOf(second)()));
  await until('the new settings to be in force', async () => (await inForce(space)) === 22);
});
