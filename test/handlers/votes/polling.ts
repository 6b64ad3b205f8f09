/** Steps of scenarios about votes. Vote `v-1` asks ann, bob and cyd which colour it is to be. */
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import type { VoteChoice } from '../../../src/protocol/votes.ts';
import { by, START } from '../scenario.ts';

export type OpenFields = Partial<Omit<Extract<DecisionInput, { type: 'OpenVote' }>, 'type'>>;

export const OPTIONS = ['red', 'green', 'blue'];
export const CLOSES = 1_000;

export function opens(fields: OpenFields = {}, opener = 'chair') {
  return by(opener, opening(fields));
}

export function opening(fields: OpenFields = {}): DecisionInput {
  return {
    type: 'OpenVote',
    voteId: 'v-1',
    question: 'Which colour?',
    options: OPTIONS,
    method: 'plurality',
    electorate: ['ann', 'bob', 'cyd'],
    closesAt: START + CLOSES,
    ...fields,
  };
}

export function votes(agent: string, choice: string | VoteChoice, voteId = 'v-1') {
  return by(agent, ballot(choice, voteId));
}

export function ballot(choice: string | VoteChoice, voteId = 'v-1'): DecisionInput {
  const fields = typeof choice === 'string' ? { option: choice } : choice;
  return JSON.parse(JSON.stringify({ type: 'Vote', voteId, ...fields }));
}

export const abstains = (agent: string, voteId = 'v-1') => votes(agent, { abstain: true }, voteId);
export const closes = (agent = 'chair', voteId = 'v-1') => by(agent, { type: 'CloseVote', voteId });
