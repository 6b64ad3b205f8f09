import type { AskOptions } from '../../bus/query-client.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { Page, QueryAnswers, QueryInput } from '../../protocol/queries.ts';
import type { PublicVote, VoteChoice } from '../../protocol/votes.ts';
import {
  approvalVote,
  bordaVote,
  decideVote,
  majorityVote,
  pluralityVote,
  rankedVote,
  schulzeVote,
  supermajorityVote,
  unanimousVote,
} from '../../rules/index.ts';
import type { ConvergeClient } from '../core/client.ts';
import type { FieldsOf, InPool } from '../core/method-options.ts';
import { undefinedIfNotFound } from '../core/not-found.ts';
import type { InputOf, OutcomeOf } from '../core/outcomes.ts';

/** A vote to open; `voteId` is chosen when left out, and the outcome's data names it. */
export type NewVote = Omit<InputOf<'OpenVote'>, 'type' | 'voteId' | 'id' | 'onBehalfOf'> & {
  readonly voteId?: string | undefined;
};

/** How a vote is opened: in which pool, for whom, how long to wait (milliseconds). */
export type OpenVoteOptions = Pick<FieldsOf<'OpenVote'>, 'id' | 'onBehalfOf' | 'timeoutMs'> & InPool;
/** How a ballot is cast: in which pool, for whom, how long to wait (milliseconds). */
export type VoteOptions = Pick<FieldsOf<'Vote'>, 'id' | 'onBehalfOf' | 'timeoutMs'> & InPool;
/** How a vote is closed before its time: in which pool, for whom, how long to wait (milliseconds). */
export type CloseVoteOptions = FieldsOf<'CloseVote', 'voteId'> & InPool;
/** Which votes to list: of which pool, in which state, from which `cursor` on. */
export interface ListVotesOptions extends Omit<QueryInput<'votes'>, 'pool'>, InPool, AskOptions {}

function writtenOut(
  choice: VoteChoice,
): Pick<InputOf<'Vote'>, 'option' | 'approvals' | 'ranking' | 'abstain'> {
  if ('approvals' in choice) return { approvals: [...choice.approvals] };
  if ('ranking' in choice)
    return { ranking: choice.ranking.map((rank) => (typeof rank === 'string' ? rank : [...rank])) };
  return choice;
}

/**
 * Votes on the live system, and the rules by which it counts them as plain functions over lists of ballots, so that
 * anyone can count again: `Consensus.majorityVote(options, ballots)`.
 *
 * Every decision resolves with its outcome; a rejection is a value. Infrastructure errors reject, as in
 * {@link ConvergeClient.decide} and {@link ConvergeClient.query}. The pool is `commons` unless the options say otherwise.
 * Codes: docs/protocol.md.
 */
export class Consensus {
  /** More than half of the weight that was cast. */
  static readonly majorityVote = majorityVote;
  /** The most weight, however little that is. */
  static readonly pluralityVote = pluralityVote;
  /** At least a given share of the weight that was cast. */
  static readonly supermajorityVote = supermajorityVote;
  /** All that was cast, for one option. */
  static readonly unanimousVote = unanimousVote;
  /** Each ballot approves of any number of options; the most approved one wins. */
  static readonly approvalVote = approvalVote;
  /** Instant runoff: the weakest option goes out, round by round, until one has a majority. */
  static readonly rankedVote = rankedVote;
  /** Ranked, by the Schulze method: whom no other option beats, directly or by way of others. */
  static readonly schulzeVote = schulzeVote;
  /** Ranked, by points for each place. */
  static readonly bordaVote = bordaVote;
  /** Any method by its name, with electorate, weights and quorum. */
  static readonly decideVote = decideVote;

  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    this.#client = client;
  }

  /** Who may vote, and what their ballots weigh, is settled here: by default the members of the pool at this moment. */
  openVote(vote: NewVote, options: OpenVoteOptions = {}): Promise<OutcomeOf<'OpenVote'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    const { voteId = this.#client.newId(), ...rest } = vote;
    return this.#client.decide(pool, { type: 'OpenVote', voteId, ...rest, ...fields }, { timeoutMs });
  }

  /**
   * Casts the agent's ballot: one `option`, a list of `approvals`, a `ranking` (best first) or `abstain: true`, as the
   * method of the vote asks. `data.state` is `closed` when this ballot has decided the vote.
   */
  vote(voteId: string, choice: VoteChoice, options: VoteOptions = {}): Promise<OutcomeOf<'Vote'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(
      pool,
      { type: 'Vote', voteId, ...writtenOut(choice), ...fields },
      { timeoutMs },
    );
  }

  /** Opener: counts what was cast by now. */
  close(voteId: string, options: CloseVoteOptions = {}): Promise<OutcomeOf<'CloseVote'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'CloseVote', voteId, ...fields }, { timeoutMs });
  }

  /** The vote with its ballots, and once it is closed with its result. Undefined if there is no such vote. */
  getVote(
    voteId: string,
    {
      pool = COMMONS,
      timeoutMs,
      ...page
    }: Omit<QueryInput<'vote'>, 'pool' | 'voteId'> & InPool & AskOptions = {},
  ): Promise<QueryAnswers['vote'] | undefined> {
    return undefinedIfNotFound(this.#client.query('vote', { pool, voteId, ...page }, { timeoutMs }));
  }

  /** In the order in which they were opened, without the ballots. */
  listVotes({ pool = COMMONS, timeoutMs, ...query }: ListVotesOptions = {}): Promise<Page<PublicVote>> {
    return this.#client.query('votes', { pool, ...query }, { timeoutMs });
  }
}
