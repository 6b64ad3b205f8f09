import type { EntityCommon } from './entities.ts';

export interface Vote extends EntityCommon {
  readonly kind: 'vote';
  readonly state: string;
}

/** A vote as anyone may see it. */
export type PublicVote = Vote;

export function publicVote(vote: Vote): PublicVote {
  return vote;
}
