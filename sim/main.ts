/** `npm run sim`: plays seeds, says what was found, and fails when anything was. */
import { runSeed } from './run.ts';

const from = Number(process.argv[2] ?? 0);
const count = Number(process.argv[3] ?? 1);
const show = process.argv[4] === 'v' ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
const started = performance.now();
const faults = new Map<string, number>();
let steps = 0;
let decisions = 0;
let events = 0;
let bad = 0;
for (let seed = from; seed < from + count; seed++) {
  const t = performance.now();
  const result = await runSeed(seed, { ...(show ? { show, hashed: true } : {}) });
  const ms = performance.now() - t;
  if (ms > 1000) console.log('slow', seed, ms);
  steps += result.steps;
  decisions += result.decisions;
  events += result.events;
  for (const [f, n] of result.faults) faults.set(f, (faults.get(f) ?? 0) + n);
  if (result.violations.length > 0 && bad++ < 15)
    for (const v of result.violations.slice(0, 2)) console.log(JSON.stringify(v).slice(0, 900));
}
console.log({ count, bad, steps, decisions, events, ms: (performance.now() - started) / count });
console.log(Object.fromEntries(faults));
