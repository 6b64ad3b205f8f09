/** Negotiations (docs/protocol.md, "Negotiations"). The document is the whole history, and what a query answers. */
import type { EntityCommon } from './entity-common.ts';
import type { Json } from './json.ts';

/** One offer of a negotiation. */
export interface Proposal {
  /** `p-1`, `p-2` and so on, in the order of the session. */
  readonly proposalId: string;
  readonly proposer: string;
  readonly content: Json;
  readonly proposedAt: number;
  /** Who accepted it while it was the latest, in the order of their word. The proposer is the first. */
  readonly acceptedBy: readonly string[];
}

interface NegotiationCommon extends EntityCommon {
  readonly kind: 'negotiation';
  readonly opener: string;
  /** Everyone who has to agree, as the opener named them. */
  readonly participants: readonly string[];
  /** When the session expires; absent when it never does. */
  readonly deadline?: number;
  /** The whole history, never empty. The last one is the offer on the table, or what was agreed. */
  readonly proposals: readonly Proposal[];
  /** Room that the history takes up, in bytes, counted as if everyone had accepted every proposal. */
  readonly bytes: number;
}

export interface LiveNegotiation extends NegotiationCommon {
  readonly state: 'proposed' | 'countered';
}

export interface AcceptedNegotiation extends NegotiationCommon {
  readonly state: 'accepted';
  readonly finishedAt: number;
}

export interface RejectedNegotiation extends NegotiationCommon {
  readonly state: 'rejected';
  readonly finishedAt: number;
  readonly rejectedBy: string;
  readonly reason?: string;
}

export interface ExpiredNegotiation extends NegotiationCommon {
  readonly state: 'expired';
  readonly finishedAt: number;
}

export type Negotiation = LiveNegotiation | AcceptedNegotiation | RejectedNegotiation | ExpiredNegotiation;

type Renamed<N extends Negotiation> = N extends Negotiation
  ? Omit<N, 'id' | 'kind' | 'bytes'> & { readonly sessionId: string }
  : never;

/** A session as its pool may see it, by the names that decisions use. */
export type PublicNegotiation = Renamed<Negotiation>;

export function publicNegotiation(session: Negotiation): PublicNegotiation {
  const { id, kind: _, bytes: _bytes, ...shown } = session;
  return { sessionId: id, ...shown };
}

export function isLive(session: Negotiation): session is LiveNegotiation {
  return session.state === 'proposed' || session.state === 'countered';
}

/** The offer on the table, or the last one that was. */
export function latestProposal({ id, proposals }: Negotiation): Proposal {
  const latest = proposals.at(-1);
  if (latest === undefined) throw new Error(`session ${id} has no proposal`);
  return latest;
}
