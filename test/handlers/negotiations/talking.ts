/** Steps of scenarios about negotiations: session `s-1` between ann and bob, or with cyd as the third. */
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import type { Json } from '../../../src/protocol/json.ts';
import { by, START } from '../scenario.ts';

export type OpenFields = Partial<Omit<Extract<DecisionInput, { type: 'OpenNegotiation' }>, 'type'>>;

export const DEADLINE = 1_000;
export const TIMED = { deadline: START + DEADLINE };
export const THREE = { participants: ['ann', 'bob', 'cyd'] };

export function opening(fields: OpenFields = {}): DecisionInput {
  return {
    type: 'OpenNegotiation',
    sessionId: 's-1',
    participants: ['ann', 'bob'],
    proposal: { price: 10 },
    ...fields,
  };
}

export const opens = (fields: OpenFields = {}, opener = 'ann') => by(opener, opening(fields));

export const proposes = (agent: string, content: Json = { price: 9 }) =>
  by(agent, { type: 'Propose', sessionId: 's-1', content });

export const accepts = (agent: string, proposalId = 'p-1') =>
  by(agent, { type: 'AcceptProposal', sessionId: 's-1', proposalId });

export const rejects = (agent: string, reason?: string) =>
  by(agent, { type: 'RejectProposal', sessionId: 's-1', ...(reason === undefined ? {} : { reason }) });
