/**
 * Names that may stand in a subject: pools, agents and every id (docs/protocol.md, "Subjects").
 * Names that start with `_` belong to the system: agents can neither take nor make one.
 */

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The pool that always exists, is open, and of which everyone is a member. */
export const COMMONS = 'commons';

/** The address of a shard as a whole: what is decided here concerns every pool of the shard. */
export const SHARD_POOL = '_shard';

/** The address of what operators say about the time of a shard's log. */
export const CLOCK_POOL = '_clock';

/** Who signs the sweeps: the scheduled sweeper, and operators who ask for one. */
export const SWEEPER = '_sweeper';
export const OPERATOR = '_operator';

/** As whom observers ask; nobody decides in this name. */
export const OBSERVER = '_observer';

/** Who acts when nobody decided: the owner of `commons`, the actor of what falls due. */
export const SYSTEM = '_system';

export const NAME_PATTERN = NAME;

export function isName(text: string): boolean {
  return NAME.test(text);
}

export function isReserved(name: string): boolean {
  return name.startsWith('_');
}
