/** One play from beginning to end. */
import type { Cluster } from './cluster/cluster.ts';
import { compare } from './compare.ts';
import { startParticipants } from './participants.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';
import { type Summary, summarize } from './summary.ts';
import { counted } from './words.ts';
import type { Workload } from './workload.ts';

export interface PlayOptions {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly seed: number;
  readonly reporter: Reporter;
  /** When the run began, by the monotonic clock. */
  readonly startedAt: number;
}

export async function play(options: PlayOptions): Promise<Summary> {
  const { reporter } = options;
  const onSwept = (released: number): void =>
    reporter.say(`a sweep gave back ${counted(released, 'claim')} that had expired`);
  const participants = await startParticipants({ ...options, onSwept });
  try {
    await perform({ ...options, participants });
    return summarize(await compare({ ...options, participants }));
  } finally {
    await participants.close();
  }
}
