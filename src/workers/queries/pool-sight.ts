/** Which pools an asker may see, and what in them: the rule of `protocol/visibility.ts`, asked of what is stored. */
import { linkOf } from '../../handlers/delegations/live-delegations.ts';
import type { Asker } from '../../protocol/identity.ts';
import { isPublic, knowsInOwnRight } from '../../protocol/visibility.ts';
import { coversReading, isLetKnow, type Delegation as Link, type Readable } from '../../rules/index.ts';
import type { PoolStanding, PoolStandings } from '../../state/pool-standings.ts';

/** Of chains of delegations that lead to one asker, how many links are looked at. */
const MOST_LINKS = 64;

export class PoolSight {
  readonly #standings: PoolStandings;

  constructor(standings: PoolStandings) {
    this.#standings = standings;
  }

  /** Whether the asker may see the pool; with `what`, whether it may at least see that. */
  async sees(asker: Asker, pool: string, what?: Readable): Promise<boolean> {
    if (asker.kind === 'overseer') return true;
    const agent = asker.kind === 'agent' ? asker.agent : NOBODY;
    const standing = await this.#standings.standing(pool, agent);
    const { doc, isBanned } = standing;
    if (doc === undefined) return false;
    if (isPublic(doc)) return true;
    if (agent === NOBODY || isBanned) return false;
    if (knowsInOwnRight(doc, agent, standing)) return true;
    return what !== undefined && (await this.#isLetSee(pool, agent, standing, what));
  }

  /** By delegations: those that lead to the agent, and those on which they rest. */
  async #isLetSee(pool: string, agentId: string, standing: PoolStanding, what: Readable): Promise<boolean> {
    const standings = new Map([[agentId, standing]]);
    const links = new Map<string, Link>();
    let wanted = standing.delegatedTo;
    while (wanted.length > 0 && links.size < MOST_LINKS) {
      const added = (await this.#standings.delegations(pool, wanted.slice(0, MOST_LINKS - links.size))).map(
        linkOf,
      );
      for (const link of added) links.set(link.delegationId, link);
      const further = new Set(added.flatMap(({ passedOn }) => passedOn?.parentId ?? []));
      for (const agent of new Set(
        added.flatMap(({ delegatorId, passedOn }) => [delegatorId, ...principalOf(passedOn)]),
      )) {
        if (standings.has(agent)) continue;
        const found = await this.#standings.standing(pool, agent);
        standings.set(agent, found);
        for (const id of found.delegatedTo) further.add(id);
      }
      wanted = [...further].filter((id) => !links.has(id));
    }
    return isLetKnow([...links.values()], {
      agentId,
      nowMs: standing.now,
      reaches: (scope) => coversReading(scope, what),
      knows: (agent) => isKnowing(standings.get(agent), agent),
      isMember: (place, agent) => place === pool && standings.get(agent)?.isMember === true,
    });
  }
}

/** No agent has this name, and so no standing. */
const NOBODY = '';

function principalOf(passedOn: Link['passedOn']): readonly string[] {
  return passedOn === undefined ? [] : [passedOn.principalId];
}

function isKnowing(standing: PoolStanding | undefined, agent: string): boolean {
  return standing?.doc !== undefined && knowsInOwnRight(standing.doc, agent, standing);
}
