/**
 * What goes wrong on purpose: agents that vanish while they hold claims, and a worker that is killed. When, is a matter
 * of progress and not of time, so that it happens in the middle of every run, on a fast machine and on a slow one.
 */
import type { Random } from '../verify/kit/chance/random.ts';
import type { Scoreboard } from './scoreboard.ts';
import { canRun, type PlannedTask, requirementKey, type Workload } from './workload.ts';

/** An agent, as far as it matters here. */
export interface MayVanish {
  readonly name: string;
  readonly capabilities: ReadonlySet<string>;
  readonly claims: number;
  readonly isAtWork: boolean;
  vanish(): void;
}

export interface MishapsOptions {
  readonly workload: Workload;
  readonly agents: readonly MayVanish[];
  readonly random: Random;
  /** Left out when there is no worker to spare. */
  readonly killWorker: (() => Promise<void>) | undefined;
  readonly onVanished: (agent: MayVanish, claims: number) => void;
}

/** The part of the tasks that has ended when the first agent vanishes and the last but one, and when the worker is killed. */
const FIRST_VANISHES_AT = 0.05;
const LAST_BUT_ONE_VANISHES_AT = 0.9;
const WORKER_DIES_AT = 0.35;

export class Mishaps {
  readonly #options: MishapsOptions;
  /** In which order the agents vanish, if they hold claims when it is their turn. */
  readonly #candidates: MayVanish[];
  readonly #needs: readonly Need[];
  #vanished = 0;
  #killing: Promise<void> | undefined;

  constructor(options: MishapsOptions) {
    this.#options = options;
    this.#candidates = options.random.shuffled(options.agents);
    this.#needs = needsOf(options.workload, options.agents);
  }

  /** To be called whenever something happened. */
  follow(board: Scoreboard): void {
    while (this.#vanished < this.#due(board) && this.#letOneVanish());
    if (board.progress >= WORKER_DIES_AT) this.#killing ??= this.#options.killWorker?.();
  }

  /** Resolves when what the killed worker did is done by others. */
  async settled(): Promise<void> {
    await this.#killing;
  }

  /**
   * How many agents have to have vanished by now. The last one waits until all that is left is held by somebody: as long
   * as agents ask for tasks they come across claims that are over; what the last one leaves is the sweeper's to find.
   */
  #due({ progress, isAllHeld }: Scoreboard): number {
    const { vanishing } = this.#options.workload;
    if (isAllHeld) return vanishing;
    const done = (progress - FIRST_VANISHES_AT) / (LAST_BUT_ONE_VANISHES_AT - FIRST_VANISHES_AT);
    return done < 0 ? 0 : Math.min(vanishing - 1, 1 + Math.floor(done * (vanishing - 2)));
  }

  #letOneVanish(): boolean {
    const index = this.#candidates.findIndex((agent) => agent.isAtWork && this.#canSpare(agent));
    const [agent] = index === -1 ? [] : this.#candidates.splice(index, 1);
    if (agent === undefined) return false;
    for (const need of this.#needs) if (canRun(agent.capabilities, need)) need.agents--;
    this.#vanished++;
    this.#options.onVanished(agent, agent.claims);
    agent.vanish();
    return true;
  }

  /** Not the last one that can run some of the tasks: they could never be done. */
  #canSpare(agent: MayVanish): boolean {
    return this.#needs.every((need) => need.agents > 1 || !canRun(agent.capabilities, need));
  }
}

interface Need extends Pick<PlannedTask, 'requires'> {
  /** How many are left that can do it. */
  agents: number;
}

function needsOf({ tasks }: Workload, agents: readonly MayVanish[]): Need[] {
  const distinct = new Map(tasks.map((task) => [requirementKey(task), task]));
  return [...distinct.values()].map(({ requires }) => ({
    requires,
    agents: agents.filter(({ capabilities }) => canRun(capabilities, { requires })).length,
  }));
}
