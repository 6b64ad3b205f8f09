import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { OWNERS_FIELDS } from '../../protocol/decisions/operators.ts';
import { defined } from '../../protocol/defined.ts';
import { COMMONS } from '../../protocol/names.ts';
import { accepted, isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { PoolUpdatedData } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { memberNow, operatedPool, owns } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';

/**
 * Who owns and operates a pool, and whom it admits, is its owner's to say: an operator cannot make others, nor keep the
 * owner from unmaking it. Changes apply from now on: no member is removed, no claim ends, no task changes.
 */
export const updatePool: Handler<'UpdatePool'> = {
  decide(world, { id: _id, type: _type, onBehalfOf: _onBehalfOf, ...changes }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const { pool, self, now } = context;
    const ofOwner = OWNERS_FIELDS.find((field) => changes[field] !== undefined);
    if (ofOwner !== undefined && !owns(state, self)) {
      return rejected(
        'not_allowed',
        `${ofOwner}: only ${state.doc.owner}, the owner of pool ${pool}, may change it`,
      );
    }
    const refused = fixedInCommons(state, changes) ?? cannotOwn(state, changes.owner, now);
    return refused ?? accepted([{ type: 'pool.updated', id: pool, data: stated(changes) }]);
  },
};

type Changes = Omit<DecisionOf<'UpdatePool'>, 'id' | 'type' | 'onBehalfOf'>;

/** `commons` is there for everyone, and belongs to nobody. */
function fixedInCommons({ doc }: PoolState, { owner, admission, capacity }: Changes): Rejected | undefined {
  if (doc.pool !== COMMONS) return undefined;
  const fixed = Object.entries({ owner, admission, capacity }).find(([, value]) => value !== undefined);
  if (fixed === undefined) return undefined;
  return rejected(
    'not_allowed',
    `${fixed[0]}: cannot be changed in pool ${COMMONS}, which belongs to everyone`,
  );
}

/** A pool is handed over to one that is there to take it. */
function cannotOwn(state: PoolState, owner: string | undefined, now: number): Rejected | undefined {
  if (owner === undefined || owner === state.doc.owner) return undefined;
  if (memberNow(state, owner, now) !== undefined) return undefined;
  return rejected('not_a_member', `owner: ${owner} is not a member of pool ${state.doc.pool}`);
}

/** Without what was left out: an event says what changes. */
function stated({ owner, operators, admission, ...rest }: Changes): PoolUpdatedData {
  const { capacity, topics, submitters, defaults, maxClaimsPerAgent, startWithinMs, maxUnstarted, quotas } =
    rest;
  return {
    ...defined({
      owner,
      operators,
      admission,
      capacity,
      topics,
      submitters,
      defaults,
      maxClaimsPerAgent,
      startWithinMs,
      maxUnstarted,
      quotas,
    }),
  };
}
