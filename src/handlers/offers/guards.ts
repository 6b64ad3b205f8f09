import { type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';

/** An agent stands by for itself alone: no other hears what is handed to it, or can say that it lives. */
export function onlyForOneself(type: string, { agent, self }: Context): Rejected | undefined {
  if (agent === self) return undefined;
  return rejected('not_allowed', `${type} is for oneself alone: ${agent} may not decide it for ${self}`);
}
