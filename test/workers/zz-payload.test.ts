import { expect, it } from 'vitest';
import { NO_SWEEPS, useSystem } from '../support/system.ts';
const system = useSystem({ nats: { maxPayloadBytes: 65_536 } });
it('small payload', { timeout: 100_000 }, async () => {
  const space = system.space(NO_SWEEPS);
  const worker = await space.worker();
  const agent = await space.agent('ann');
  const pool = space.poolOn(0);
  await agent.decide(pool, { type: 'CreatePool' });
  await agent.send(pool, { id: 'a', type: 'SubmitTask', taskId: `big`, objective: 'o', inputs: 'x'.repeat(65_200) });
  await space.applied();
  for (let i = 0; i < 12; i++) { await agent.send(pool, { id: `x${i}`, type: 'SubmitTask', taskId: `s${i}`, objective: 'o' }); await new Promise((r) => setTimeout(r, 100)); }
  const last = await space.lastInLog(0);
  await new Promise((r) => setTimeout(r, 3000));
  console.log('position', await space.position(0), 'of', last, worker.notReady(), (await space.events()).length);
});
