import type { EntityCommon } from './entities.ts';

export interface Delegation extends EntityCommon {
  readonly kind: 'delegation';
  readonly state: string;
}

/** Is the agent one of the two between whom the delegation is? */
export function isPartyTo(_delegation: Delegation, _agent: string): boolean {
  return true;
}
