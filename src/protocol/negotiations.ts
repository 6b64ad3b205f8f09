import type { EntityCommon } from './entities.ts';

export interface Negotiation extends EntityCommon {
  readonly kind: 'negotiation';
  readonly state: string;
}
