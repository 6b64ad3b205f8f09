import type { Origin } from '../../protocol/documents.ts';
import type { VoteChoice, VoteCloseCause, VoteMethod, VoteResult, VoterCount } from '../../protocol/votes.ts';
import type { Happened } from '../kernel/happened.ts';

export interface VoteOpenedData {
  readonly opener: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly method: VoteMethod;
  readonly electorate: 'members' | readonly string[];
  /**
   * Who the members were. Kept to ourselves: it would go to every one of them, so that the cost of a vote would grow
   * with their square. The query `members` tells who they are, and `eligible` how many they were.
   */
  readonly members?: readonly string[];
  readonly eligible: VoterCount;
  readonly weights?: Readonly<Record<string, number>>;
  readonly quorum?: number;
  readonly abstentionsCountForQuorum: boolean;
  readonly changeable: boolean;
  readonly closeWhenDecided: boolean;
  readonly closesAt: number;
  readonly order: number;
  readonly origin: Origin;
}

/** Ballots are no secret: who voted what is told at once. `replaced`: the voter had voted before. */
export interface VoteCastData {
  readonly voter: string;
  readonly weight: number;
  readonly choice: VoteChoice;
  readonly replaced?: true;
}

export type VoteEvent =
  | Happened<'vote.opened', VoteOpenedData>
  | Happened<'vote.cast', VoteCastData>
  | Happened<'vote.closed', VoteResult & { readonly cause: VoteCloseCause }>
  | Happened<'vote.removed', Record<string, never>>;

/** The public part of an opening. */
export function publicOpening(data: VoteOpenedData): Omit<VoteOpenedData, 'members'> {
  const { members: _, ...told } = data;
  return told;
}
