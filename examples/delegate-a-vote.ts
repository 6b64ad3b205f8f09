/**
 * Ann is away and lets Bob vote for her: in one vote, not further, and only until she says otherwise.
 *
 * Run it against `converge dev`: node dist/examples/delegate-a-vote.js
 */
import { acceptedOrThrow, Consensus, DelegationProtocol } from '../src/index.ts';
import { play, runIfStarted, say } from './example.ts';

export async function main(url: string): Promise<void> {
  await play(url, 'assembly', ['ann', 'bob', 'cid'], async ({ pool, as }) => {
    const chair = new Consensus(as('host'));
    const open = async (question: string) => {
      const terms = { options: ['yes', 'no'], method: 'majority' as const, closesAt: Date.now() + 60_000 };
      const opened = await chair.openVote({ question, ...terms, closeWhenDecided: false }, { pool });
      return acceptedOrThrow(opened).data.voteId;
    };
    const [budget, statutes] = [await open('The budget?'), await open('New statutes?')];

    const ann = new DelegationProtocol(as('ann'));
    const granted = await ann.delegate('bob', [`Vote:${budget}`], { pool, maxDepth: 0 });
    const { delegationId } = acceptedOrThrow(granted).data;
    say('ann', 'Bob votes for me on the budget');

    const votes = async (agent: string, voteId: string, option: string, onBehalfOf: string) => {
      const outcome = await new Consensus(as(agent)).vote(voteId, { option }, { pool, onBehalfOf });
      const what = voteId === budget ? 'budget' : 'statutes';
      const answer = outcome.status === 'accepted' ? 'accepted' : outcome.code;
      say(agent, `${what}, for ${onBehalfOf}: ${option} → ${answer}`);
    };
    await votes('bob', budget, 'no', 'bob');
    await votes('bob', budget, 'yes', 'ann');
    await votes('bob', statutes, 'yes', 'ann');
    await votes('cid', budget, 'yes', 'ann');

    acceptedOrThrow(await ann.revoke(delegationId, { pool }));
    say('ann', 'I am back');
    await votes('bob', budget, 'no', 'ann');

    const closed = acceptedOrThrow(await chair.close(budget, { pool }));
    const vote = await chair.getVote(budget, { pool });
    const ballots = vote?.ballots.items.map(({ voter, choice }) => `${voter} ${Object.values(choice)}`);
    say('host', `${closed.data.winner ?? 'no winner'} (${closed.data.why}): ${ballots?.join(', ')}`);
  });
}

runIfStarted(import.meta.url, main);
