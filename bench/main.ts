/**
 * `npm run bench`: what one worker process does on this machine, through the whole path: schema, decide, commit,
 * result and durable event for every decision. Servers, worker and publisher share the machine's cores.
 */
import { BenchAgent } from './agent.ts';
import { startSystem } from './system.ts';

const POOLS = 16;
const LIFECYCLES = 40_000;
const WINDOW = 4_000;
const LATENCY_RATE_PER_S = 1_000;
const LATENCY_SECONDS = 8;

async function throughput(
  url: string,
): Promise<{ decisionsPerS: number; lifecyclesPerS: number; rejected: number }> {
  const agent = await BenchAgent.connect(url, 'bench');
  let sent = 0;
  for (let i = 0; i < POOLS; i++) {
    agent.publish(`pool-${i}`, { id: `create-${i}`, type: 'CreatePool' });
    agent.publish(`pool-${i}`, { id: `join-${i}`, type: 'JoinPool' });
    sent += 2;
  }
  await agent.until(sent);
  const started = performance.now();
  for (let i = 0; i < LIFECYCLES; i++) {
    const pool = `pool-${i % POOLS}`;
    const taskId = `t-${i}`;
    agent.publish(pool, {
      id: `s-${i}`,
      type: 'SubmitTask',
      taskId,
      objective: 'add',
      inputs: { a: i, b: 1 },
    } as never);
    agent.publish(pool, { id: `c-${i}`, type: 'ClaimTask', taskId } as never);
    agent.publish(pool, { id: `r-${i}`, type: 'ReportTask', taskId, result: { sum: i + 1 } } as never);
    sent += 3;
    if (sent - agent.answered > WINDOW) await agent.until(sent - WINDOW / 2);
  }
  await agent.until(sent);
  const seconds = (performance.now() - started) / 1_000;
  await agent.close();
  return {
    decisionsPerS: Math.round((3 * LIFECYCLES) / seconds),
    lifecyclesPerS: Math.round(LIFECYCLES / seconds),
    rejected: agent.rejected.length,
  };
}

/** Open loop: sent when due, whether or not earlier ones were answered; measured from when each was due. */
async function latency(url: string): Promise<{ p50Ms: number; p99Ms: number }> {
  const agent = await BenchAgent.connect(url, 'latency');
  agent.publish('latency', { id: 'create', type: 'CreatePool' });
  agent.publish('latency', { id: 'join', type: 'JoinPool' });
  await agent.until(2);
  const total = LATENCY_RATE_PER_S * LATENCY_SECONDS;
  const times: number[] = [];
  const started = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.floor(((performance.now() - started) / 1_000) * LATENCY_RATE_PER_S);
    for (; sent < Math.min(due, total); sent++) {
      const dueAt = started + (sent / LATENCY_RATE_PER_S) * 1_000;
      const decision = { id: `l-${sent}`, type: 'SubmitTask', taskId: `l-${sent}`, objective: 'wait' };
      agent.publish('latency', decision, (at) => times.push(at - dueAt));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await agent.until(total + 2);
  await agent.close();
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((times[Math.floor(times.length * share)] ?? 0) * 100) / 100;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

const system = await startSystem();
try {
  const measured = await throughput(system.servers.nats.url);
  const waited = await latency(system.servers.nats.url);
  const summary = { ...measured, latencyAtPerS: LATENCY_RATE_PER_S, ...waited, workers: 1, pools: POOLS };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
} finally {
  await system.stop();
}
