/** A run: episodes until the time is over, each with as many faults as fit, every kind in turn. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../kit/chance/random.ts';
import { type EpisodeResult, runEpisode } from './episode.ts';
import { FAULTS, type Fault } from './faults/index.ts';
import type { ChaosOptions } from './options.ts';
import type { ChaosSystem } from './system/system.ts';

export interface RunOptions extends ChaosOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly onSystem: (system: ChaosSystem) => void;
}

export interface RunResult {
  readonly episodes: readonly EpisodeResult[];
  /** Kinds for which there was no time. */
  readonly notReached: readonly string[];
  /** Where the histories are, when they were kept. */
  readonly folder: string | undefined;
}

const MINUTE_MS = 60_000;
/** A history that is longer takes long to rebuild and to judge. */
const EPISODE_MS = 150_000;
/** What breaking the log takes of the time, and the least that another episode is worth its start for. */
const LOG_SHARE = 0.25;
const MOST_OF_LOG_MS = 30_000;
const LEAST_MS = 20_000;
/** The same for floods, each of which takes long, and happens once. */
const FLOOD_SHARE = 0.35;
const MOST_OF_FLOODS_MS = 180_000;
/** So little that a flood would end a worker that does not refuse in time. */
const FLOODED_HEAP_MB = 400;
/** Nothing is sped up for them: what takes long takes as long as elsewhere. */
const FLOODED_LEASE_MS = 3_000;

export async function run(options: RunOptions): Promise<RunResult> {
  const folder = await mkdtemp(join(tmpdir(), 'converge-chaos-'));
  // Whoever is interrupted leaves nothing; what was violated, or failed, is kept.
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  process.on('exit', remove);
  const keep = (): void => void process.off('exit', remove);
  const wanted = FAULTS.filter(({ kind }) => options.faults.includes(kind));
  const ofLog = wanted.filter(({ breaksLog }) => breaksLog === true);
  const floods = wanted.filter(({ floods: isOne }) => isOne === true);
  const others = wanted.filter((fault) => fault.breaksLog !== true && fault.floods !== true);
  const random = new Random(options.seed);
  const episodes: EpisodeResult[] = [];
  const play = async (
    nextFault: () => Fault | undefined,
    more: { readonly heapMb?: number; readonly leaseMs?: number } = {},
  ): Promise<void> => {
    const name = `chaos-${episodes.length + 1}`;
    const seed = random.integer(2 ** 32);
    const episode = runEpisode({ ...options, ...more, name, folder: join(folder, name), seed, nextFault });
    episode.catch(() => {
      keep();
      options.say(`${name} failed; what it left is in ${folder}`);
    });
    episodes.push(await episode);
  };

  const allMs = options.minutes * MINUTE_MS;
  // What was asked for by name happens once at least, however little time there is for it.
  const isAsked = wanted.length < FAULTS.length;
  const ofLogMs = ofLog.length > 0 ? Math.min(MOST_OF_LOG_MS, allMs * LOG_SHARE) : 0;
  const ofFloodsMs = floods.length > 0 ? Math.min(MOST_OF_FLOODS_MS, allMs * FLOOD_SHARE) : 0;
  if (others.length > 0) {
    const next = inTurn(others, random);
    let owed = isAsked ? others.length : 0;
    let leftMs = allMs - ofLogMs - ofFloodsMs;
    do {
      let firstAt: number | undefined;
      const forMs = Math.min(EPISODE_MS, leftMs);
      await play(() => {
        // What starting and judging takes is not time in which anything is broken.
        const spentMs = firstAt === undefined ? 0 : Date.now() - firstAt;
        firstAt ??= Date.now();
        return owed-- > 0 || spentMs < forMs ? next() : undefined;
      });
      leftMs -= forMs;
    } while (leftMs > LEAST_MS);
  }
  if (floods.length > 0) {
    const left = random.shuffled(floods);
    let firstAt: number | undefined;
    await play(
      () => {
        firstAt ??= Date.now();
        return isAsked || Date.now() - firstAt < ofFloodsMs ? left.shift() : undefined;
      },
      { heapMb: FLOODED_HEAP_MB, leaseMs: FLOODED_LEASE_MS },
    );
  }
  if (ofLog.length > 0) {
    const left = random.shuffled(ofLog);
    await play(() => left.shift());
  }
  const seen = new Set(episodes.flatMap(({ injected, skipped }) => [...injected, ...skipped.keys()]));
  const isClean = episodes.every(
    ({ violations, verdict }) => violations.length === 0 && verdict.violations.length === 0,
  );
  if (!isClean) keep();
  return {
    episodes,
    notReached: wanted.map(({ kind }) => kind).filter((kind) => !seen.has(kind)),
    folder: isClean ? undefined : folder,
  };
}

/** Each once in an order of its own, then each again in another. */
function inTurn(faults: readonly Fault[], random: Random): () => Fault | undefined {
  let round: Fault[] = [];
  return () => {
    if (round.length === 0) round = random.shuffled(faults);
    return round.shift();
  };
}
