/** The play itself: agents join, tasks come, things go wrong, until every task has ended all the same. */
import type { EventFeed } from '../src/client/core/event-feed.ts';
import { sleep } from '../src/lib/timers.ts';
import { Random } from '../verify/kit/chance/random.ts';
import type { Cluster } from './cluster/cluster.ts';
import { Mishaps } from './mishaps.ts';
import type { Participants } from './participants.ts';
import type { Reporter } from './reporter.ts';
import { Scoreboard } from './scoreboard.ts';
import { killBusiestWorker } from './takeover.ts';
import { counted } from './words.ts';
import type { Workload } from './workload.ts';

export interface PerformOptions {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly participants: Participants;
  readonly seed: number;
  readonly reporter: Reporter;
}

const POLL_MS = 100;
/** Nothing has ended for so long: something is broken, and waiting does not mend it. */
const STALLED_AFTER_MS = 45_000;
/** Of this many vanishing agents each gets a line of its own. */
const FEW = 5;

export async function perform(options: PerformOptions): Promise<void> {
  const { workload, participants, reporter } = options;
  const board = new Scoreboard(workload.tasks.length);
  const mishaps = mishapsOf(options);
  const feed = participants.director.events({ start: 'all' });
  const listening = listen(feed, board, mishaps, participants);
  for (const note of workload.notes) reporter.say(`note: ${note}`);
  await participants.submitter.createPools();
  await participants.fleet.join();
  const pools = workload.pools.join(', ');
  reporter.say(
    `${workload.agents.length} agents have joined the pools ${pools}; the first tasks are submitted`,
  );
  const submitting = participants.submitter.run();
  try {
    await Promise.race([
      failure(listening, 'events'),
      failure(submitting, 'tasks'),
      untilEnded(board, options),
    ]);
    await submitting;
    await mishaps.settled();
  } finally {
    feed.close();
  }
  reporter.say(`all ${board.total} tasks have ended: ${statusLine(board, options)}`);
  await participants.fleet.stop();
}

function mishapsOf({ cluster, workload, participants, seed, reporter }: PerformOptions): Mishaps {
  const say = (line: string): void => reporter.say(line);
  const { director, fleet } = participants;
  const pool = busiestPool(workload);
  const areFew = workload.vanishing <= FEW;
  return new Mishaps({
    workload,
    agents: fleet.agents,
    random: new Random(seed + 1),
    killWorker:
      cluster.workers.length < 2
        ? undefined
        : () => killBusiestWorker({ cluster, client: director, pool, say }),
    onVanished: ({ name }, claims) => {
      if (areFew) say(`agent ${name} vanishes and leaves ${counted(claims, 'claim')} behind`);
      else if (fleet.vanished === 0)
        say(`agent ${name} vanishes with ${counted(claims, 'claim')}, the first of ${workload.vanishing}`);
    },
  });
}

async function listen(
  feed: EventFeed,
  board: Scoreboard,
  mishaps: Mishaps,
  { fleet }: Participants,
): Promise<void> {
  for await (const event of feed) {
    const [, verb] = /^converge\.task\.(\w+)$/.exec(event.type) ?? [];
    if (verb === undefined) continue;
    board.follow(verb, event);
    fleet.onTaskEvent(event.source.slice('/pools/'.length), event.subject.slice('task/'.length), verb, event);
    mishaps.follow(board);
  }
}

/** Settles only when the promise rejects. */
async function failure(promise: Promise<unknown>, what: string): Promise<never> {
  try {
    await promise;
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return await new Promise<never>(() => undefined);
}

async function untilEnded(board: Scoreboard, options: PerformOptions): Promise<void> {
  let finished = -1;
  let movedAt = performance.now();
  while (board.finished < board.total) {
    options.reporter.status(statusLine(board, options));
    if (board.finished > finished) {
      finished = board.finished;
      movedAt = performance.now();
    } else if (performance.now() - movedAt > STALLED_AFTER_MS) {
      throw new Error(`no task has ended for ${STALLED_AFTER_MS / 1_000} s: ${statusLine(board, options)}`);
    }
    await sleep(POLL_MS);
  }
}

/** Fits into a terminal of 80 columns, with the time before it. */
function statusLine(board: Scoreboard, { cluster, workload, participants }: PerformOptions): string {
  const { completed, failed, cancelled } = board.ended;
  const counts = [
    `done ${completed}`,
    `failed ${failed}`,
    `cancelled ${cancelled}`,
    `held ${board.held}`,
    `agents ${workload.agents.length - participants.fleet.vanished}`,
    `workers ${cluster.workersRunning}`,
  ];
  return `${Math.floor(board.progress * 100)}% ${counts.join(', ')}`;
}

function busiestPool({ pools, tasks }: Workload): string {
  const [first = ''] = pools;
  const count = (name: string): number => tasks.filter(({ pool }) => pool === name).length;
  return pools.reduce((best, pool) => (count(pool) > count(best) ? pool : best), first);
}
