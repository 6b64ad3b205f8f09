import type { Happened } from '../happened.ts';

export type VoteEvent = Happened<'vote.removed', Record<string, never>>;
