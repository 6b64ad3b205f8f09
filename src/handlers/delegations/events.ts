import type { Happened } from '../happened.ts';

export type DelegationEvent = Happened<'delegation.removed', Record<string, never>>;
