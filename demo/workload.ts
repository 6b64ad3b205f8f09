/** What is played: who the agents are, which tasks come when, and how each of them must end, whatever happens. */
export const ENDINGS = ['completed', 'failed', 'cancelled'] as const;
export type Ending = (typeof ENDINGS)[number];

/** What an agent does with a task that it holds. Travels in the task's `inputs`. */
export interface Plan {
  /** `wait`: works on and on, until the claim is lost because somebody cancelled the task. */
  readonly end: 'complete' | 'fail' | 'wait';
  readonly workMs: number;
  /** The first attempts that fail for now; another one follows. */
  readonly failFirst: number;
}

export interface PlannedTask {
  readonly pool: string;
  readonly taskId: string;
  readonly objective: string;
  /** Each entry a capability, or several of which one suffices. */
  readonly requires: readonly (string | readonly string[])[];
  readonly priority: number;
  readonly dependsOn: readonly string[];
  /** Milliseconds after the start of the play. */
  readonly submitAtMs: number;
  readonly plan: Plan;
  /** The submitter cancels it so long after the submission. */
  readonly cancelAfterMs: number | undefined;
  readonly expected: Ending;
}

export interface PlannedAgent {
  readonly name: string;
  readonly capabilities: readonly string[];
  /** Claims that it holds at once, at most. */
  readonly slots: number;
}

export interface Workload {
  readonly title: string;
  readonly pools: readonly string[];
  readonly agents: readonly PlannedAgent[];
  /** In order of submission. */
  readonly tasks: readonly PlannedTask[];
  readonly claimTtlMs: number;
  /** How many agents vanish while they hold claims. */
  readonly vanishing: number;
  /** What a reader of the result has to know. */
  readonly notes: readonly string[];
}

export type Counts = Readonly<Record<Ending, number>>;

export function expectedCounts({ tasks }: Workload): Counts {
  const counts = { completed: 0, failed: 0, cancelled: 0 };
  for (const { expected } of tasks) counts[expected]++;
  return counts;
}

/** Pool and task together: task ids are unique in their pool only. */
export function taskKey(pool: string, taskId: string): string {
  return `${pool}/${taskId}`;
}

export function canRun(
  capabilities: ReadonlySet<string>,
  { requires }: Pick<PlannedTask, 'requires'>,
): boolean {
  return requires.every((entry) =>
    typeof entry === 'string' ? capabilities.has(entry) : entry.some((name) => capabilities.has(name)),
  );
}

/** Tasks with the same text can be run by the same agents. */
export function requirementKey({ requires }: Pick<PlannedTask, 'requires'>): string {
  return JSON.stringify(requires);
}
