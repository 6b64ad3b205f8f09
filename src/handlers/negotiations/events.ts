import type { Happened } from '../happened.ts';

export type NegotiationEvent = Happened<'negotiation.removed', Record<string, never>>;
