/**
 * Open loop: each request is sent when it is due, whether or not earlier ones were answered, and measured from when it
 * was due. A sender that falls behind makes the times longer instead of leaving them out.
 */
import { z } from 'zod';
import { percentiles } from './stats.ts';

export const openLoopSchema = z.object({
  perS: z.number().positive(),
  requests: z.int().min(1),
});

export const openLoopReportSchema = z.object({
  p50: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
  answered: z.int(),
  /** Was everything sent and answered in about the time that the rate gives? Otherwise a backlog grew. */
  kept: z.boolean(),
});

export type OpenLoopReport = z.output<typeof openLoopReportSchema>;

/** A rate counts as kept when sending and answering all took at most so much longer than it should. */
const TOLERANCE = 1.05;
const GRACE_MS = 250;
/** After this, what is not answered is lost: the caller sees too few answers. */
const GIVE_UP_MS = 30_000;

export async function openLoop(
  { perS, requests }: z.output<typeof openLoopSchema>,
  send: (i: number, answered: (at: number) => void) => void,
): Promise<OpenLoopReport> {
  const times: number[] = [];
  let allAnswered: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    allAnswered = resolve;
  });
  const started = performance.now();
  const dueAt = (i: number): number => started + (i * 1_000) / perS;
  for (let sent = 0; sent < requests; ) {
    for (const now = performance.now(); sent < requests && dueAt(sent) <= now; sent++) {
      const due = dueAt(sent);
      send(sent, (at) => {
        times.push(at - due);
        if (times.length === requests) allAnswered();
      });
    }
    await nextSlice();
  }
  const late = setTimeout(allAnswered, GIVE_UP_MS);
  await done;
  clearTimeout(late);
  const tookMs = performance.now() - started;
  const kept = times.length === requests && tookMs <= (requests * 1_000 * TOLERANCE) / perS + GRACE_MS;
  return { ...percentiles(times), answered: times.length, kept };
}

/** The shortest timer there is: a slice of about a millisecond. */
function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}
