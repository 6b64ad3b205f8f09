/** Retention that a run of some seconds can live to see, and rates and bounds of memory that its agents exceed. */
import { DEFAULT_SETTINGS, type Settings } from '../../src/protocol/settings.ts';

/** Of every worker of a run. */
export const HEAP_BYTES = 64 * 1024 * 1024;

export const SETTINGS_OF_RUNS: readonly [Settings, ...Settings[]] = [
  DEFAULT_SETTINGS,
  { ...DEFAULT_SETTINGS, outcomeRetentionMs: 3_000, finalRetentionMs: 1_500, consequencesAtOnce: 3 },
  { ...DEFAULT_SETTINGS, finalRetentionCount: 3, finalRetentionMs: 4_000 },
  {
    ...DEFAULT_SETTINGS,
    outcomeRetentionMs: 1_000,
    finalRetentionCount: 1,
    maxLiveTasksPerPool: 8,
    consequencesAtOnce: 1,
  },
  {
    ...DEFAULT_SETTINGS,
    agentDecisionsPerS: 5,
    agentDecisionsBurst: 6,
    poolDecisionsPerS: 40,
    poolDecisionsBurst: 40,
  },
  { ...DEFAULT_SETTINGS, agentShardBytes: 8_000, poolBytes: 20_000, shardBytes: 40_000, agentPools: 1 },
  { ...DEFAULT_SETTINGS, heapBytes: 80_000, finalRetentionMs: 1_500 },
  { ...DEFAULT_SETTINGS, endedBytes: 6_000 },
  // Nearly everything is owed, so that runs meet decisions between what was decided and what follows from it.
  { ...DEFAULT_SETTINGS, consequencesAtOnce: 1 },
  { ...DEFAULT_SETTINGS, consequencesAtOnce: 2, finalRetentionMs: 1_500, finalRetentionCount: 3 },
];
