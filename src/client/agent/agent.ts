/**
 * The loop of an agent: joins its pools, is heard from, sees what happens and what there is to do, and either decides
 * itself (`decide`) or takes whatever task is next (`work`). Claims are renewed as long as they are held.
 */
import { ConfigurationError, ConvergeError, messageOf } from '../../lib/errors.ts';
import { sleep } from '../../lib/timers.ts';
import { within } from '../../lib/within.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { ConvergeClient } from '../core/client.ts';
import type { EventFeed } from '../core/event-feed.ts';
import { timeoutOption } from '../core/timeout-option.ts';
import { PoolManager } from '../managers/pool-manager.ts';
import { type CustomDecision, StandardExecutor } from '../managers/standard-executor.ts';
import { TaskManager } from '../managers/task-manager.ts';
import { ClaimLoop } from './claim-loop.ts';
import { Claims } from './claims.ts';
import { type Decide, DecideLoop } from './decide-loop.ts';
import { Farewell } from './farewell.ts';
import type { HeldClaim } from './held-claim.ts';
import { type AgentPool, Membership } from './membership.ts';
import { Namesakes } from './namesakes.ts';
import type { Work } from './run-task.ts';
import { TakeUp } from './take-up.ts';
import { WorkBench } from './work-bench.ts';

/** Who an agent is, where it works, and what it does; see {@link Agent}. */
export interface AgentOptions<C extends CustomDecision = never> {
  /** Whose agent it is. Stays open when the agent stops. */
  readonly client: ConvergeClient;
  /** Where it works, at least one; joined when it starts. */
  readonly pools: readonly AgentPool[];
  /**
   * Does a claimed task. Without `decide` the agent claims the next task it may have whenever it has a free place; with
   * `decide` only what that claims is worked on.
   */
  readonly work?: Work | undefined;
  /** Chooses what to do; without `work`, claims that it takes are renewed until it reports, fails or releases them. */
  readonly decide?: Decide<C> | undefined;
  /** Executes what `decide` returns; bring one with handlers for decisions of your own. */
  readonly executor?: StandardExecutor<C> | undefined;
  /** Most tasks worked on at once (1). */
  readonly concurrency?: number | undefined;
  /** Looks for tasks this often even if nothing happens, milliseconds (1,000). */
  readonly pollMs?: number | undefined;
  /** How long claims last unless renewed; as each task says when left out. */
  readonly claimTtlMs?: number | undefined;
  /** Most events kept for the next call of `decide` (1,000); reading waits when there are more. */
  readonly maxMessages?: number | undefined;
  /** Most tasks shown to `decide` (100). */
  readonly maxTasks?: number | undefined;
  /** Told what goes wrong without ending the loop; a warning of the process when left out. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** How an agent ends: how long its work may go on, and what becomes of its claims. */
export interface StopOptions {
  /** Wait for what is being worked on (true), or abort it. */
  readonly graceful?: boolean | undefined;
  /** How long to wait for it, milliseconds (30,000; Infinity: as long as it takes); then it is aborted. */
  readonly timeoutMs?: number | undefined;
  /** Also leave the pools (false); not while another process runs an agent of the same name, whose work that would end. */
  readonly leave?: boolean | undefined;
}

const ABORTED_WITHIN_MS = 1_000;

/** Started twice, or after it was stopped: an agent runs once. */
export class AgentStateError extends ConvergeError {
  readonly kind = 'usage';
}

/** Another process runs an agent of the same name: each takes and ends claims of which the other knows nothing. */
export class AgentNameSharedError extends ConvergeError {
  readonly kind = 'usage';
}

/**
 * An agent that runs by itself: joins its pools, claims tasks and does them (`work`), looks at what happens and decides
 * (`decide`), and ends in order. Claims are renewed while their work goes on.
 *
 * @example
 * const agent = new Agent({ client, pools: [{ pool: 'writers' }], work: async (task) => summarise(task.inputs) });
 * await agent.start();
 * // … later: finish what is being worked on, for 10 s at most.
 * await agent.stop({ timeoutMs: 10_000 });
 */
export class Agent<C extends CustomDecision = never> {
  /** The connection that it works on, which stays open when it ends. */
  readonly client: ConvergeClient;
  readonly #options: AgentOptions<C>;
  readonly #tasks: TaskManager;
  readonly #farewell: Farewell;
  readonly #claims: Claims;
  readonly #memberships: readonly { readonly place: AgentPool; readonly membership: Membership }[];
  readonly #bench: WorkBench | undefined;
  readonly #claimLoop: ClaimLoop | undefined;
  readonly #decideLoop: DecideLoop<C> | undefined;
  readonly #takeUp: TakeUp;
  readonly #firstPool: string;
  readonly #feeds = new Map<string, EventFeed>();
  /** Work that ends when the agent stops, in contrast to watching, which ends last. */
  readonly #loops: Promise<void>[] = [];
  readonly #ending = new AbortController();
  #namesakes: Namesakes | undefined;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** Throws a {@link ConfigurationError} for options that make no agent. */
  constructor(options: AgentOptions<C>) {
    const { client, pools, decide, work, concurrency = 1, pollMs = 1_000 } = options;
    const [first] = pools;
    if (first === undefined) throw new ConfigurationError('an agent needs a pool to work in');
    if (new Set(pools.map(({ pool }) => pool)).size < pools.length) {
      throw new ConfigurationError('an agent names each of its pools once');
    }
    if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
      throw new ConfigurationError(`concurrency: a positive integer, not ${concurrency}`);
    }
    for (const [name, ms] of Object.entries({ claimTtlMs: options.claimTtlMs, ...presencesOf(pools) }))
      if (ms !== undefined) timeoutOption(name, ms);
    if (!(pollMs > 0)) throw new ConfigurationError(`pollMs: more than 0, not ${pollMs}`);
    if (decide === undefined && work === undefined)
      throw new ConfigurationError('an agent decides, works, or both');
    this.client = client;
    this.#options = options;
    this.#tasks = new TaskManager(client);
    const poolManager = new PoolManager(client);
    this.#firstPool = first.pool;
    const onError = (error: unknown): void => this.#onError(error);
    this.#farewell = new Farewell({ client, tasks: this.#tasks, pools: poolManager, onError });
    this.#claims = new Claims({
      agent: client.agent,
      tasks: this.#tasks,
      onError,
      onLate: (claim) => void this.#farewell.giveBack(claim),
    });
    this.#memberships = pools.map((place) => ({
      place,
      membership: new Membership({ pools: poolManager, place, onError }),
    }));
    const common = { client, tasks: this.#tasks, claims: this.#claims, pollMs, onError };
    if (work !== undefined) {
      this.#bench = new WorkBench({
        ...common,
        work,
        concurrency,
        onFree: () => this.#claimLoop?.wake(),
        giveBack: (claim) => this.#farewell.giveBack(claim),
      });
    }
    this.#takeUp = new TakeUp({ ...common, onTaken: (claim) => this.#bench?.take(claim) });
    if (decide !== undefined) {
      this.#decideLoop = new DecideLoop({
        ...common,
        places: pools,
        decide,
        executor: options.executor ?? new StandardExecutor(client, first),
        maxMessages: options.maxMessages ?? 1_000,
        maxTasks: options.maxTasks ?? 100,
        onClaimed: (claim) => this.#bench?.take(claim),
      });
    } else if (this.#bench !== undefined) {
      this.#claimLoop = new ClaimLoop({
        ...common,
        bench: this.#bench,
        memberships: this.#memberships,
        claimTtlMs: options.claimTtlMs,
      });
    }
  }

  /**
   * Resolves when the agent is in its pools and sees what happens there. Rejects with a `DecisionRejectedError` when a
   * pool does not let it in, when the infrastructure fails, and with an {@link AgentStateError} when it is stopped
   * meanwhile; then the agent is stopped.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new AgentStateError('an agent can be started once: create a new one');
    this.#state = 'running';
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      await this.stop({ graceful: false });
      throw error;
    }
  }

  /** After each wait: it may have been stopped meanwhile, and then nothing more is begun. */
  async #start(): Promise<void> {
    for (const { membership } of this.#memberships) {
      await membership.begin();
      this.#throwIfStopped();
    }
    await Promise.all(this.#memberships.map(({ place }) => this.#openFeed(place.pool).opened));
    this.#throwIfStopped();
    this.#namesakes = new Namesakes({
      client: this.client,
      pool: this.#firstPool,
      onMet: () => this.#onError(sharedName(this.client.agent)),
      onError: (error) => this.#onError(error),
    });
    for (const { place } of this.#memberships) void this.#watch(place.pool);
    if (this.#claimLoop !== undefined) this.#loops.push(this.#claimLoop.run());
    if (this.#decideLoop !== undefined) this.#loops.push(this.#decideLoop.run());
    this.#loops.push(this.#resume(this.#namesakes));
  }

  /** Goes on with what the process before has left behind, unless that one is still there. */
  async #resume(namesakes: Namesakes): Promise<void> {
    try {
      if (await namesakes.areThere()) return;
      for (const { place } of this.#memberships) {
        if (this.#isStopped || this.#bench === undefined) return;
        await this.#takeUp.leftBehind(place.pool);
      }
    } catch (error) {
      if (!this.#isStopped) this.#onError(error);
    }
  }

  #throwIfStopped(): void {
    if (this.#isStopped) throw new AgentStateError('the agent was stopped while it started');
  }

  /** Ids of the tasks whose claims the agent holds at this moment, with their pools. */
  get holding(): readonly { readonly pool: string; readonly taskId: string }[] {
    return this.#claims.all.map(({ pool, task }) => ({ pool, taskId: task.taskId }));
  }

  /**
   * Takes nothing new, waits for what is under way as the options say, releases what the agent still holds, and resolves
   * when all of that is done. The same promise however often it is called.
   */
  stop(options: StopOptions = {}): Promise<void> {
    if (Number.isNaN(options.timeoutMs))
      return Promise.reject(new ConfigurationError('timeoutMs: milliseconds, not NaN'));
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop({ graceful = true, timeoutMs = 30_000, leave = false }: StopOptions): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'stopped';
    this.#bench?.close();
    this.#claimLoop?.stop();
    this.#decideLoop?.stop();
    this.#namesakes?.hurry();
    const startedWithinMs = graceful ? timeoutMs : ABORTED_WITHIN_MS;
    await within(startedWithinMs, this.#hasStarted(), () => undefined);
    if (graceful) await within(timeoutMs, this.#underWay(), () => undefined);
    this.#decideLoop?.abort();
    this.#claims.close();
    const leaves = leave && wasRunning && !(await this.#isShared());
    for (const { membership } of this.#memberships) membership.end();
    await Promise.all(this.#claims.all.map((claim) => this.#letGo(claim, leaves)));
    await within(ABORTED_WITHIN_MS, this.#underWay(), () => undefined);
    this.#ending.abort();
    this.#namesakes?.close();
    for (const feed of this.#feeds.values()) feed.close();
    if (leaves) await Promise.all(this.#memberships.map(({ place }) => this.#farewell.leave(place.pool)));
    await this.#farewell.done();
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** Resolves when starting is over, however it ended: its caller is notified. */
  async #hasStarted(): Promise<void> {
    await this.#starting?.catch(() => undefined);
  }

  async #underWay(): Promise<void> {
    await Promise.all([...this.#loops, this.#bench?.idle()]);
  }

  /** Another process would lose its claims when this one leaves the pools in their common name. */
  async #isShared(): Promise<boolean> {
    if (this.#namesakes?.hasMet !== true || !(await this.#namesakes.areThere())) return false;
    this.#onError(
      new AgentNameSharedError(
        `did not leave the pools: another process runs an agent named ${this.client.agent}, and would lose its claims`,
      ),
    );
    return true;
  }

  /** Where its pool is left next, all claims are given back with that. */
  async #letGo(claim: HeldClaim, leaves: boolean): Promise<void> {
    if (leaves && claim.pool !== COMMONS) claim.lose('the agent is stopping');
    else await this.#farewell.giveBack(claim);
  }

  #openFeed(pool: string): EventFeed {
    const feed = this.client.events({ pool, start: 'new' });
    this.#feeds.set(pool, feed);
    return feed;
  }

  /** Reads what happens in a pool until the agent stops. */
  async #watch(pool: string): Promise<void> {
    let feed = this.#feeds.get(pool) ?? this.#openFeed(pool);
    while (!this.#isStopped) {
      try {
        for await (const event of feed) {
          this.#claims.happened(pool, event);
          if (!this.#isStopped) this.#takeUp.happened(pool, event);
          this.#claimLoop?.noticed(pool, event);
          await this.#decideLoop?.noticed(event);
        }
        // Nothing can be decided any more.
        if (this.client.isClosed) return void this.stop({ graceful: false });
      } catch (error) {
        this.#onError(error);
      }
      if (this.#isStopped) return;
      // The stream is another one than before: on with what happens from now on.
      await sleep(this.#options.pollMs ?? 1_000, this.#ending.signal).catch(() => undefined);
      if (!this.#isStopped && !this.client.isClosed) feed = this.#openFeed(pool);
    }
  }

  #onError(error: unknown): void {
    const { onError = warn } = this.#options;
    try {
      onError(error);
    } catch (another) {
      warn(another);
    }
  }
}

function warn(error: unknown): void {
  process.emitWarning(messageOf(error), 'ConvergeAgentWarning');
}

function sharedName(agent: string): AgentNameSharedError {
  return new AgentNameSharedError(
    `another process runs an agent named ${agent}: each takes and ends claims that the other does not know of; give each its own name`,
  );
}

function presencesOf(pools: readonly AgentPool[]): Record<string, number | undefined> {
  return Object.fromEntries(pools.map(({ pool, presenceMs }) => [`presenceMs of pool ${pool}`, presenceMs]));
}
