/** The search for a chain of delegations from a principal to the agent that acts for it. */
import {
  type Delegation,
  depthOf,
  groupLinks,
  isLive,
  leadsTo,
  MAX_CHAIN_LINKS,
  type Membership,
} from './links.ts';
import { covers, type ScopedDecision } from './scopes.ts';

/** Who acts for whom, with what decision, and by which delegations it may be covered. */
export interface ChainQuestion {
  readonly principalId: string;
  readonly agentId: string;
  readonly decision: ScopedDecision;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly isMember: Membership;
}

/**
 * `missing` is the code `delegation_missing`; `scopeExceeded` is `scope_exceeded`: a live chain leads to the agent, but
 * on each such chain some link's scope does not cover the decision.
 */
export type ChainAnswer =
  | { readonly chain: readonly Delegation[] }
  | { readonly missing: true }
  | { readonly scopeExceeded: true };

/** A chain found so far: its last link, the chain up to it, and how many links may still follow. */
interface Path {
  readonly link: Delegation;
  readonly before: Path | undefined;
  readonly room: number;
}

/**
 * Finds a shortest chain of live delegations from the principal to the agent of which every link's scope covers the
 * decision. The first link is a grant of the principal's own; each further one is made by someone whom the link before
 * it reaches, and a re-delegation follows only the very link that it passes on, and only for its principal.
 *
 * A link with `maxDepth` d is followed by at most d links, and no chain has more than eight. Nobody needs a chain to
 * act for itself: it is empty. Anything an agent may do through a chain, every earlier agent on the chain may do too, so
 * passing on never widens. The search takes time in proportion to the number of delegations (times the number of pools
 * to which some are pooled).
 */
export function findChain(delegations: readonly Delegation[], question: ChainQuestion): ChainAnswer {
  if (question.principalId === question.agentId) return { chain: [] };
  const live = delegations.filter((link) => isLive(link, question.nowMs));
  const chain = shortestChain(
    live.filter(({ scope }) => covers(scope, question.decision)),
    question,
  );
  if (chain !== undefined) return { chain };
  return shortestChain(live, question) === undefined ? { missing: true } : { scopeExceeded: true };
}

/** Is there a chain among these links, whatever they cover? */
export function hasChain(links: readonly Delegation[], question: Omit<ChainQuestion, 'decision'>): boolean {
  return shortestChain(links, question) !== undefined;
}

/** The links by what may come before them. */
interface Graph {
  /** Own grants by their delegator. */
  readonly grantsOf: ReadonlyMap<string, readonly Delegation[]>;
  /** Re-delegations by the link that they pass on. */
  readonly passedOn: ReadonlyMap<string, readonly Delegation[]>;
}

function shortestChain(
  links: readonly Delegation[],
  question: Omit<ChainQuestion, 'decision'>,
): readonly Delegation[] | undefined {
  const graph = graphOf(links, question.principalId);
  // A longer way to somewhere is worth following only if it leaves room for more links than every shorter one.
  const mostRoom = new Map<string, number>();
  const leavesMoreRoom = (place: string, room: number) => {
    if (room <= (mostRoom.get(place) ?? 0)) return false;
    mostRoom.set(place, room);
    return true;
  };
  let paths: readonly Path[] = (graph.grantsOf.get(question.principalId) ?? []).map((link) => ({
    link,
    before: undefined,
    room: depthOf(link),
  }));
  for (let length = 1; length <= MAX_CHAIN_LINKS; length++) {
    const arrived = paths.find(({ link }) => leadsTo(link, question.agentId, question.isMember));
    if (arrived !== undefined) return linksOf(arrived);
    paths = paths.flatMap((path) => {
      const { link, room } = path;
      const passedOn = leavesMoreRoom(`link ${link.delegationId}`, room)
        ? passedOnFrom(link, graph, question)
        : [];
      const grants = leavesMoreRoom(`${link.kind} ${link.delegateeId}`, room)
        ? grantsAfter(link, graph, question)
        : [];
      return [...passedOn, ...grants].map((after) => ({
        link: after,
        before: path,
        room: Math.min(room - 1, depthOf(after)),
      }));
    });
  }
  return undefined;
}

function graphOf(links: readonly Delegation[], principalId: string): Graph {
  return {
    grantsOf: groupLinks(links, ({ passedOn, delegatorId }) =>
      passedOn === undefined ? delegatorId : undefined,
    ),
    passedOn: groupLinks(links, ({ passedOn }) =>
      passedOn?.principalId === principalId ? passedOn.parentId : undefined,
    ),
  };
}

/** Re-delegations that may follow a link: those of it, made by someone whom it reaches. */
function passedOnFrom(
  link: Delegation,
  { passedOn }: Graph,
  { isMember }: Pick<ChainQuestion, 'isMember'>,
): readonly Delegation[] {
  const children = passedOn.get(link.delegationId) ?? [];
  return children.filter(({ delegatorId }) => leadsTo(link, delegatorId, isMember));
}

/** Own grants that may follow a link: those of everyone whom it reaches. */
function grantsAfter(
  link: Delegation,
  { grantsOf }: Graph,
  { isMember }: Pick<ChainQuestion, 'isMember'>,
): readonly Delegation[] {
  if (link.kind === 'direct') return grantsOf.get(link.delegateeId) ?? [];
  return [...grantsOf].flatMap(([delegatorId, grants]) =>
    isMember(link.delegateeId, delegatorId) ? grants : [],
  );
}

function linksOf(last: Path): readonly Delegation[] {
  const links: Delegation[] = [];
  for (let path: Path | undefined = last; path !== undefined; path = path.before) links.unshift(path.link);
  return links;
}
