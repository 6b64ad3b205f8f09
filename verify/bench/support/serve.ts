/** The other end of child.ts: what a process of the benchmark is told and asked. */
import { z } from 'zod';

const callSchema = z.object({ id: z.int(), name: z.string(), args: z.unknown().optional() });

export interface Served {
  readonly [name: string]: (args: unknown) => unknown;
}

/** What the parent passed on the command line. */
export function configOf<T>(schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(process.argv[2] ?? '{}'));
}

/** Answers calls until the parent says stop, or is gone. */
export function serve(functions: Served, stop: () => Promise<void>): void {
  process.on('disconnect', () => process.exit(1));
  process.once('SIGTERM', () => {
    void stop().finally(() => process.exit(0));
  });
  process.on('message', (message) => {
    const { id, name, args } = callSchema.parse(message);
    void answer(functions[name], args).then((reply) => process.send?.({ id, ...reply }));
  });
  process.send?.({ id: 0 });
}

async function answer(
  called: ((args: unknown) => unknown) | undefined,
  args: unknown,
): Promise<{ readonly value?: unknown; readonly error?: string }> {
  if (called === undefined) return { error: 'there is no such function' };
  try {
    return { value: await called(args) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
