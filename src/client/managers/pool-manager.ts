import type { AskOptions } from '../../bus/query-client.ts';
import { defined } from '../../protocol/defined.ts';
import type { Member, Pool } from '../../protocol/documents.ts';
import type { Page, QueryAnswers, QueryInput } from '../../protocol/queries.ts';
import type { ConvergeClient, SendOptions } from '../core/client.ts';
import type { FieldsOf } from '../core/method-options.ts';
import { undefinedIfNotFound } from '../core/not-found.ts';
import type { OutcomeOf } from '../core/outcomes.ts';
import { type BannedEverywhere, type BanOptions, banEverywhere, unbanEverywhere } from './ban-everywhere.ts';

/**
 * Pools and who is in them. Every decision resolves with its outcome; a rejection is a value. Infrastructure errors
 * reject, as in {@link ConvergeClient.decide} and {@link ConvergeClient.query}. Codes: docs/protocol.md.
 */
export class PoolManager {
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    this.#client = client;
  }

  /** The agent owns the pool, and is not thereby a member. An existing pool is never reset: `pool_exists`. */
  createPool(pool: string, options: FieldsOf<'CreatePool'> = {}): Promise<OutcomeOf<'CreatePool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'CreatePool', ...fields }, { timeoutMs });
  }

  /** Joining again updates the capabilities. With `presenceMs` the agent has to be heard from that often. */
  joinPool(pool: string, options: FieldsOf<'JoinPool'> = {}): Promise<OutcomeOf<'JoinPool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'JoinPool', ...fields }, { timeoutMs });
  }

  /** Claims that the agent holds in the pool go back to pending; `data.released` names the tasks. */
  leavePool(pool: string, options: FieldsOf<'LeavePool'> = {}): Promise<OutcomeOf<'LeavePool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'LeavePool', ...fields }, { timeoutMs });
  }

  /** Owner: no new tasks, joins or claims from here on. */
  closePool(pool: string, options: FieldsOf<'ClosePool'> = {}): Promise<OutcomeOf<'ClosePool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ClosePool', ...fields }, { timeoutMs });
  }

  /**
   * What is named takes the place of what was before, from now on. `owner`, `operators` and `admission` are the owner's to
   * say, all the rest also operators'. `capacity` and `maxClaimsPerAgent`: null takes the bound away.
   */
  updatePool(pool: string, options: FieldsOf<'UpdatePool'>): Promise<OutcomeOf<'UpdatePool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'UpdatePool', ...fields }, { timeoutMs });
  }

  /** Operators: nothing new is submitted, opened or claimed (`pool_paused`) until the pool is resumed. */
  pausePool(pool: string, options: FieldsOf<'PausePool'> = {}): Promise<OutcomeOf<'PausePool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'PausePool', ...fields }, { timeoutMs });
  }

  /** Operators: ends the pause. */
  resumePool(pool: string, options: FieldsOf<'ResumePool'> = {}): Promise<OutcomeOf<'ResumePool'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ResumePool', ...fields }, { timeoutMs });
  }

  /** Operators: ends a membership and its claims. The agent may join again. */
  removeMember(
    pool: string,
    agentId: string,
    options: FieldsOf<'RemoveMember', 'agentId'> = {},
  ): Promise<OutcomeOf<'RemoveMember'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'RemoveMember', agentId, ...fields }, { timeoutMs });
  }

  /**
   * Operators: the same, and nothing of the agent is accepted in the pool from there on (`agent_banned`). With `cancelWork` its
   * unfinished work is cancelled: tasks it submitted, auctions, votes and sessions it opened, delegations it granted.
   */
  banAgent(
    pool: string,
    agentId: string,
    options: FieldsOf<'BanAgent', 'agentId'> = {},
  ): Promise<OutcomeOf<'BanAgent'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'BanAgent', agentId, ...fields }, { timeoutMs });
  }

  /** Operators: from here on the agent may join and decide in the pool again. */
  unbanAgent(
    pool: string,
    agentId: string,
    options: FieldsOf<'UnbanAgent', 'agentId'> = {},
  ): Promise<OutcomeOf<'UnbanAgent'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'UnbanAgent', agentId, ...fields }, { timeoutMs });
  }

  /** A sign of life and nothing else; any other decision in the pool is one as well. */
  heartbeat(pool: string, options: FieldsOf<'Heartbeat'> = {}): Promise<OutcomeOf<'Heartbeat'>> {
    const { timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'Heartbeat', ...fields }, { timeoutMs });
  }

  /** Operators of the whole system: bans an agent from every pool, those included that there are not yet. */
  banEverywhere(agentId: string, options: BanOptions = {}): Promise<BannedEverywhere> {
    return banEverywhere(this.#client, agentId, options);
  }

  /** Operators of the whole system: ends a ban from every pool; bans of single pools stay. */
  unbanEverywhere(agentId: string, options: SendOptions = {}): Promise<void> {
    return unbanEverywhere(this.#client, agentId, options);
  }

  /** The pool with the number of its members; undefined if there is none. */
  getPool(pool: string, options: AskOptions = {}): Promise<QueryAnswers['pool'] | undefined> {
    return undefinedIfNotFound(this.#client.query('pool', { pool }, options));
  }

  /** By name; `cursor` of one page is asked for the next. */
  listPools({ timeoutMs, ...page }: QueryInput<'pools'> & AskOptions = {}): Promise<Page<Pool>> {
    return this.#client.query('pools', page, { timeoutMs });
  }

  /** By name. Undefined if there is no such pool. */
  members(
    pool: string,
    { timeoutMs, ...page }: Omit<QueryInput<'members'>, 'pool'> & AskOptions = {},
  ): Promise<Page<Member> | undefined> {
    return undefinedIfNotFound(this.#client.query('members', { pool, ...page }, { timeoutMs }));
  }

  /** Names of the pools that the agent has joined, and `commons`, where everyone is. */
  async getPoolsForAgent(
    agentId: string = this.#client.agent,
    options: AskOptions = {},
  ): Promise<readonly string[]> {
    const pools: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#client.query(
        'pools-of-agent',
        { agent: agentId, ...defined({ cursor }) },
        options,
      );
      for (const pool of page.pools) pools.push(pool);
      cursor = page.cursor;
      if (cursor === undefined) return pools;
    }
  }
}
