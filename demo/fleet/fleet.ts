/**
 * All the agents of the demo, on a few connections, or each on its own where the server knows who is who. Every agent decides for itself what to claim and when its work is
 * done; what they share is one reading of the event stream, and a board that wakes about as many of them as there are
 * tasks that wait: if all 1,523 asked for every task, 1,522 would ask in vain.
 */
import { ConvergeClient } from '../../src/client/core/client.ts';
import { after, type Timer } from '../../src/lib/timers.ts';
import type { ConvergeEvent } from '../../src/protocol/event.ts';
import type { Random } from '../../verify/kit/chance/random.ts';
import type { Access } from '../../verify/kit/system/access.ts';
import { canRun, type Workload } from '../workload.ts';
import { Agent } from './agent.ts';
import { type Notice, NoticeBoard } from './notice-board.ts';

export interface FleetOptions {
  readonly natsUrl: string;
  readonly namespace: string;
  readonly shards: number;
  readonly access: Access;
  readonly workload: Workload;
  readonly random: Random;
}

const CONNECTIONS = 4;
const WAKE_AFTER_MS = 15;
const DECISION_TIMEOUT_MS = 60_000;
/** A worker that is behind answers late; asking it for what it has not got to would only keep it longer. */
const ASK_AFTER_MS = 3_000;

export class Fleet {
  readonly agents: readonly Agent[];
  readonly #clients: readonly ConvergeClient[];
  readonly #byName: ReadonlyMap<string, Agent>;
  readonly #board = new NoticeBoard();
  readonly #capable = new Map<Notice, readonly Agent[]>();
  readonly #workload: Workload;
  readonly #random: Random;
  #waking: Timer | undefined;
  #isStopped = false;

  static async open(options: FleetOptions): Promise<Fleet> {
    const { natsUrl, namespace, shards, access, workload } = options;
    const names = workload.agents.map(({ name }) => name);
    const isGuarded = names.some((name) => access.credentialsOf(name) !== undefined);
    const shared = Array.from({ length: Math.min(CONNECTIONS, names.length) }, (_, i) => `fleet-${i + 1}`);
    const clients = await Promise.all(
      (isGuarded ? names : shared).map((agent) =>
        ConvergeClient.connect({
          agent,
          url: natsUrl,
          namespace,
          shards,
          credentials: isGuarded ? access.credentialsOf(agent) : undefined,
          timeoutMs: DECISION_TIMEOUT_MS,
          askAfterMs: ASK_AFTER_MS,
        }),
      ),
    );
    return new Fleet(options, clients);
  }

  private constructor({ workload, random }: FleetOptions, clients: readonly ConvergeClient[]) {
    this.#workload = workload;
    this.#random = random;
    this.#clients = clients;
    this.agents = workload.agents.flatMap((planned, i) => {
      const client = clients[i % clients.length]?.withAgent(planned.name);
      if (client === undefined) return [];
      const onFree = (): void => this.#wakeSoon();
      return [new Agent({ client, planned, claimTtlMs: workload.claimTtlMs, onFree })];
    });
    this.#byName = new Map(this.agents.map((agent) => [agent.name, agent]));
  }

  get vanished(): number {
    return this.agents.filter(({ hasVanished }) => hasVanished).length;
  }

  async join(): Promise<void> {
    const { pools } = this.#workload;
    await Promise.all(pools.flatMap((pool) => this.agents.map((agent) => agent.join(pool))));
  }

  /** What every agent hears. */
  onTaskEvent(pool: string, taskId: string, verb: string, event: ConvergeEvent): void {
    this.#board.follow(pool, taskId, verb, event);
    if (ENDS_CLAIM.has(verb) && typeof event.data.agent === 'string') {
      this.#byName.get(event.data.agent)?.onClaimOver(pool, taskId, event.data.epoch);
    }
    this.#wakeSoon();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waking?.cancel();
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #wakeSoon(): void {
    if (this.#isStopped) return;
    this.#waking ??= after(WAKE_AFTER_MS, () => {
      this.#waking = undefined;
      for (const notice of this.#board.open()) this.#wake(notice);
    });
  }

  /** Beginning somewhere, those with free slots ask, until there are as many claims asked for as tasks wait. */
  #wake(notice: Notice): void {
    const capable = this.#capableOf(notice);
    const start = this.#random.integer(Math.max(1, capable.length));
    const each = Math.ceil(notice.tasks.size / Math.max(1, capable.length));
    for (let i = 0; i < capable.length && notice.tasks.size > notice.asked; i++) {
      const agent = capable[(start + i) % capable.length];
      const limit = Math.min(agent?.freeSlots ?? 0, each);
      if (agent !== undefined && limit > 0) void this.#ask(agent, notice, limit);
    }
  }

  async #ask(agent: Agent, notice: Notice, limit: number): Promise<void> {
    notice.asked += limit;
    const claimed = await agent.claimNext(notice.pool, limit);
    notice.asked -= limit;
    for (const { taskId } of claimed) this.#board.take(notice.pool, taskId);
    this.#wakeSoon();
  }

  #capableOf(notice: Notice): readonly Agent[] {
    const known = this.#capable.get(notice);
    if (known !== undefined) return known;
    const capable = this.agents.filter(({ capabilities }) => canRun(capabilities, notice));
    this.#capable.set(notice, capable);
    return capable;
  }
}

const ENDS_CLAIM: ReadonlySet<string> = new Set([
  'completed',
  'failed',
  'cancelled',
  'expired',
  'released',
  'retried',
]);
