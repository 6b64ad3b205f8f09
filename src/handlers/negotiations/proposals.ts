/** Offers as the history holds them. */
import type { Json } from '../../protocol/json.ts';
import type { Negotiation, Proposal } from '../../protocol/negotiations.ts';

/** Everything in a proposal but its content and the names of those who accept it, generously. */
const ENVELOPE_BYTES = 256;

/** Room that a proposal takes up once everyone has accepted it. So no acceptance can ever lack it. */
export function roomFor(participants: readonly string[], content: Json): number {
  return ENVELOPE_BYTES + bytesOf(content) + bytesOf(participants);
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Proposals are numbered within their session. */
export function nextProposalId({ proposals }: Pick<Negotiation, 'proposals'>): string {
  return `p-${proposals.length + 1}`;
}

/** Who has not accepted an offer yet. */
export function missingFrom(
  participants: readonly string[],
  { acceptedBy }: Pick<Proposal, 'acceptedBy'>,
): readonly string[] {
  return participants.filter((participant) => !acceptedBy.includes(participant));
}
