/** Retention that a run of some seconds can live to see, and rates that its agents exceed. */
import { DEFAULT_SETTINGS, type Settings } from '../src/protocol/settings.ts';

export const SETTINGS_OF_RUNS: readonly [Settings, ...Settings[]] = [
  DEFAULT_SETTINGS,
  { ...DEFAULT_SETTINGS, outcomeRetentionMs: 3_000, finalRetentionMs: 1_500 },
  { ...DEFAULT_SETTINGS, finalRetentionCount: 3, finalRetentionMs: 4_000 },
  { ...DEFAULT_SETTINGS, outcomeRetentionMs: 1_000, finalRetentionCount: 1, maxLiveTasksPerPool: 8 },
  {
    ...DEFAULT_SETTINGS,
    agentDecisionsPerS: 5,
    agentDecisionsBurst: 6,
    poolDecisionsPerS: 40,
    poolDecisionsBurst: 40,
  },
];
