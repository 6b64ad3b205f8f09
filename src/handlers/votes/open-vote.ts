import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import { MAX_BATCH } from '../../protocol/limits.ts';
import { weightOf } from '../../protocol/votes.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { poolToOpenIn, strangerAmong } from '../pools/guards.ts';
import { tooManyOpen } from '../quotas/counts.ts';
import { membersAt } from './electorate.ts';
import type { VoteOpenedData } from './events.ts';
import { electorateFault, quorumFault, tooManySeats, weightsFault } from './guards.ts';

/** Who may vote, and what their ballots weigh, is settled here once and for all. */
export const openVote: Handler<'OpenVote'> = {
  touches: ({ voteId }) => [{ kind: 'vote', id: voteId }],
  decide(world, decision, context) {
    const state = poolToOpenIn(world, context);
    if (isRejected(state)) return state;
    const { voteId, closesAt, electorate = 'members', weights } = decision;
    if (state.entities.vote.has(voteId)) return rejected('vote_exists', `vote ${voteId} already exists`);
    if (closesAt <= context.now)
      return rejected('deadline_passed', `the closing time of vote ${voteId} has passed`);
    const voters = electorate === 'members' ? membersAt(state, context.now) : electorate;
    const fault =
      electorateFault(voters, context) ??
      strangerAmong(state, voters, context.now) ??
      weightsFault(weights, voters) ??
      quorumFault(decision, voters) ??
      tooManyOpen(world, state, 'vote', context) ??
      tooManySeats(state, voters.length, context.now);
    if (fault !== undefined) return fault;
    const data = opening(decision, voters, context);
    const { eligible } = data;
    return accepted([{ type: 'vote.opened', id: voteId, data }], {
      voteId,
      state: 'open',
      eligible: { ...eligible },
    });
  },
};

function opening(
  decision: DecisionOf<'OpenVote'>,
  voters: readonly string[],
  { self, agent, decisionId, seq, index }: Context,
): VoteOpenedData {
  const { question, options, method, electorate = 'members', weights, quorum, closesAt } = decision;
  const weight = voters.reduce((sum, voter) => sum + weightOf(weights, voter), 0);
  return {
    opener: self,
    question,
    options,
    method,
    electorate,
    ...(electorate === 'members' ? { members: voters } : {}),
    eligible: { voters: voters.length, weight },
    ...defined({ weights, quorum }),
    abstentionsCountForQuorum: decision.abstentionsCountForQuorum ?? true,
    changeable: decision.changeable ?? true,
    closeWhenDecided: decision.closeWhenDecided ?? true,
    closesAt,
    order: seq * (MAX_BATCH + 1) + index,
    origin: { agent, decisionId },
  };
}
