/**
 * Loaded into a worker before anything of its own (`node --import`): makes its machine misbehave when the parent says
 * so. The clock can be stepped, as a machine's clock is, and the event loop blocked.
 */
import { z } from 'zod';

const orderSchema = z.union([
  z.strictObject({ stepClockMs: z.number() }),
  z.strictObject({ blockMs: z.number().min(0) }),
]);
/** What `blockMs` and `stepClockMs` are sent as. */
export type Order = z.output<typeof orderSchema>;

const SystemDate = Date;
const systemNow = Date.now;
let offsetMs = 0;

const now = (): number => systemNow() + offsetMs;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new SystemDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});

process.on('message', (message) => {
  const order = orderSchema.parse(message);
  if ('stepClockMs' in order) offsetMs += order.stepClockMs;
  else block(order.blockMs);
});
// A listener keeps the channel open, and the channel alone would keep a worker that was told to stop alive.
process.channel?.unref();

function block(forMs: number): void {
  const until = performance.now() + forMs;
  while (performance.now() < until);
}
