/**
 * Submit → claim → report, in two ways. `single`: a message for every decision, all of them pipelined. `bulk`: what one
 * does who uses BullMQ's addBulk: a Batch of SubmitTask, one ClaimNextTask for as many, and a Batch of ReportTask for
 * what the outcome says was claimed.
 */
import { z } from 'zod';
import { isObject } from '../../../src/protocol/json.ts';
import type { Agents, Body } from './agent.ts';

export const MODES = ['single', 'bulk'] as const;
export type Mode = (typeof MODES)[number];

export const lifecyclesSchema = z.object({
  mode: z.enum(MODES),
  pools: z.array(z.string()).min(1),
  lifecycles: z.int().min(1),
  /** Tasks of one Batch. */
  batch: z.int().min(1).max(100),
  /** Most tasks under way. */
  window: z.int().min(1),
});

type Work = z.output<typeof lifecyclesSchema>;

/** One outcome of each kind of message, as it came: what the raw pipe answers with. */
const samplesSchema = z.record(z.string(), z.string());

export const lifecyclesReportSchema = z.object({
  lifecycles: z.int(),
  /** Members of a Batch count as decisions, the Batch itself does not. */
  decisions: z.int(),
  messages: z.int(),
  seconds: z.number(),
  /** What was refused: the first few outcomes. */
  rejected: z.array(z.string()),
  samples: samplesSchema,
});

export type LifecyclesReport = z.output<typeof lifecyclesReportSchema>;

const KEPT_REJECTIONS = 3;

export class Lifecycles {
  readonly #agents: Agents;
  readonly #names: readonly string[];
  readonly #run: string;
  readonly #work: Work;
  readonly #samples = new Map<string, string>();
  readonly #rejected: string[] = [];
  #next = 0;
  #underWay = 0;
  #completed = 0;
  #decisions = 0;
  #messages = 0;
  #wake: (() => void) | undefined;

  constructor(agents: Agents, names: readonly string[], run: string, work: Work) {
    this.#agents = agents;
    this.#names = names;
    this.#run = run;
    this.#work = work;
  }

  async run(): Promise<LifecyclesReport> {
    const started = performance.now();
    await (this.#work.mode === 'single' ? this.#single() : this.#bulk());
    return {
      lifecycles: this.#completed,
      decisions: this.#decisions,
      messages: this.#messages,
      seconds: (performance.now() - started) / 1_000,
      rejected: this.#rejected,
      samples: Object.fromEntries(this.#samples),
    };
  }

  async #single(): Promise<void> {
    const { pools, lifecycles, window } = this.#work;
    const agent = this.#names[0] ?? '';
    for (let i = 0; i < lifecycles; i++) {
      const pool = pools[i % pools.length] ?? '';
      const taskId = this.#taskId(i);
      this.#decide(pool, agent, `s-${i}`, submission(taskId, i));
      this.#decide(pool, agent, `c-${i}`, { type: 'ClaimTask', taskId });
      this.#decide(pool, agent, `r-${i}`, { type: 'ReportTask', taskId, result: { sum: i + 1 } });
      if (this.#agents.underWay > window * 3) await this.#agents.atMost(window * 1.5);
    }
    await this.#agents.atMost(0);
  }

  #decide(pool: string, agent: string, id: string, body: Body): void {
    this.#messages++;
    this.#agents.publish(pool, agent, `${this.#run}-${id}`, body, (json) => {
      if (!this.#isAccepted(json)) return;
      this.#decisions++;
      if (body.type === 'ReportTask') this.#completed++;
      this.#sample(id.slice(0, 1), json);
    });
  }

  /** A cycle is one batch on its way; as many at once as the window allows. */
  async #bulk(): Promise<void> {
    const { batch, window, lifecycles } = this.#work;
    const cycles = Math.ceil(lifecycles / batch);
    const atOnce = Math.max(1, Math.floor(window / batch));
    while (this.#next < cycles) {
      while (this.#next < cycles && this.#underWay < atOnce) this.#cycle(this.#next++);
      await this.#cycleEnded();
    }
    await this.#agents.atMost(0);
  }

  #cycle(cycle: number): void {
    const { pools, batch, lifecycles } = this.#work;
    this.#underWay++;
    const pool = pools[cycle % pools.length] ?? '';
    const agent = this.#names[cycle % this.#names.length] ?? '';
    const first = cycle * batch;
    const count = Math.min(batch, lifecycles - first);
    const submissions = Array.from({ length: count }, (_, i) =>
      submission(this.#taskId(first + i), first + i),
    );
    const send = (id: string, body: Body, then: (outcome: unknown) => void): void => {
      this.#messages++;
      this.#agents.publish(pool, agent, `${this.#run}-${id}-${cycle}`, body, (json) => {
        const outcome: unknown = this.#isAccepted(json) ? JSON.parse(json) : undefined;
        this.#sample(id, json);
        then(outcome);
      });
    };
    send('s', { type: 'Batch', decisions: submissions }, (outcome) => {
      this.#decisions += acceptedMembers(outcome);
    });
    // The log keeps the order: when this is applied, the tasks before it are there.
    send('c', { type: 'ClaimNextTask', limit: count }, (claimed) => {
      this.#decisions++;
      const decisions = claimedTasks(claimed).map(({ taskId, epoch }) => ({
        type: 'ReportTask',
        taskId,
        epoch,
        result: { done: taskId },
      }));
      if (decisions.length === 0) return this.#endCycle(0);
      send('r', { type: 'Batch', decisions }, (reported) => {
        const accepted = acceptedMembers(reported);
        this.#decisions += accepted;
        this.#endCycle(accepted);
      });
    });
  }

  #endCycle(completed: number): void {
    this.#completed += completed;
    this.#underWay--;
    this.#wake?.();
  }

  async #cycleEnded(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    // Waiting for the agents too notices when nothing comes any more.
    await Promise.race([ended, this.#agents.atMost(0)]);
  }

  #taskId(i: number): string {
    return `t-${this.#run}-${i}`;
  }

  #isAccepted(json: string): boolean {
    if (json.includes('"status":"accepted"')) return true;
    if (this.#rejected.length < KEPT_REJECTIONS) this.#rejected.push(json);
    return false;
  }

  #sample(kind: string, json: string): void {
    if (!this.#samples.has(kind)) this.#samples.set(kind, json);
  }
}

export function submission(taskId: string, i: number): Body {
  return { type: 'SubmitTask', taskId, objective: 'add', inputs: { a: i, b: 1 } };
}

export function acceptedMembers(outcome: unknown): number {
  const members = isObject(outcome) && isObject(outcome.data) ? outcome.data.outcomes : undefined;
  if (!Array.isArray(members)) return 0;
  return members.filter((member) => isObject(member) && member.status === 'accepted').length;
}

function claimedTasks(outcome: unknown): { readonly taskId: unknown; readonly epoch: unknown }[] {
  const tasks = isObject(outcome) && isObject(outcome.data) ? outcome.data.tasks : undefined;
  if (!Array.isArray(tasks)) return [];
  return tasks.flatMap((task) =>
    isObject(task) && isObject(task.claim) ? [{ taskId: task.taskId, epoch: task.claim.epoch }] : [],
  );
}
