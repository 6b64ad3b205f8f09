/** What operators would be alarmed by in the log of a worker: JSON lines. */
import { z } from 'zod';

const lineSchema = z.object({
  level: z.int(),
  time: z.number(),
  msg: z.string().default(''),
  alarm: z.string().optional(),
  shard: z.int().optional(),
  reason: z.unknown().optional(),
});

export interface Halt {
  readonly at: number;
  readonly shard: number;
  readonly reason: string;
}

export function haltsIn(lines: readonly string[]): Halt[] {
  return lines.flatMap((line) => {
    const { msg, alarm, time, shard = -1, reason } = parsed(line) ?? {};
    return msg?.startsWith('ALARM') === true && alarm === 'shard_halted' && time !== undefined
      ? [{ at: time, shard, reason: String(reason) }]
      : [];
  });
}

/** Names of the alarms that began, or were said again, since then. */
export function alarmsIn(lines: readonly string[], since: number): string[] {
  return lines.flatMap((line) => {
    const { msg, alarm, time = 0 } = parsed(line) ?? {};
    return msg?.startsWith('ALARM') === true && alarm !== undefined && time >= since ? [alarm] : [];
  });
}

/** Bugs, and whatever ended a process. */
export function logFaultsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    const { msg = '' } = parsed(line) ?? {};
    return msg.startsWith('BUG') || msg.startsWith('unhandled error');
  });
}

function parsed(line: string): z.output<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
