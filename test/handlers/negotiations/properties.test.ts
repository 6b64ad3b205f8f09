import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptOffer, isAgreed, makeOffer, type Offer } from '../../../src/rules/index.ts';
import { given, type Retold } from '../retold.ts';
import { at, pool, START, sweep } from '../scenario.ts';
import { accepts, opens, proposes, rejects } from './talking.ts';

const AGENTS = ['ann', 'bob', 'cyd', 'dan'];
const PARTICIPANTS = AGENTS.slice(0, 3);

const word = fc.record({
  agent: fc.constantFrom(...AGENTS),
  says: fc.oneof(
    { weight: 3, arbitrary: fc.constant('propose' as const) },
    { weight: 8, arbitrary: fc.constant('accept' as const) },
    { weight: 1, arbitrary: fc.constant('reject' as const) },
    { weight: 1, arbitrary: fc.constant('sweep' as const) },
  ),
  /** How far back the proposal lies that is accepted; -1 there is none of. */
  back: fc.constantFrom(0, 0, 0, 0, 1, -1),
  laterMs: fc.integer({ min: 0, max: 12 }),
});

type Word = typeof word extends fc.Arbitrary<infer W> ? W : never;

/** The session as a few lines of rules tell it. */
class Model {
  state = 'proposed';
  offers: Offer[] = [offered(makeOffer(PARTICIPANTS, 'ann', 'p-1'))];
  readonly deadline: number;

  constructor(deadline: number) {
    this.deadline = deadline;
  }

  get latest(): Offer {
    const latest = this.offers.at(-1);
    if (latest === undefined) throw new Error('never empty');
    return latest;
  }

  /** The code of the rejection, or `accepted`. */
  hear({ agent, says }: Word, proposalId: string, now: number): string {
    if (says === 'sweep') {
      if (now >= this.deadline && this.isOpen) this.state = 'expired';
      return 'accepted';
    }
    if (!this.isOpen || now >= this.deadline) return 'session_closed';
    if (!PARTICIPANTS.includes(agent)) return 'not_a_participant';
    if (says === 'propose') {
      this.offers.push(offered(makeOffer(PARTICIPANTS, agent, `p-${this.offers.length + 1}`)));
      this.state = 'countered';
      return 'accepted';
    }
    if (says === 'reject') {
      if (this.latest.proposer === agent) return 'own_proposal';
      this.state = 'rejected';
      return 'accepted';
    }
    if (!this.offers.some((offer) => offer.proposalId === proposalId)) return 'proposal_not_found';
    const answer = acceptOffer(PARTICIPANTS, this.latest, agent, proposalId);
    if (!answer.accepted) return answer.code;
    this.offers = [...this.offers.slice(0, -1), answer.offer];
    if (isAgreed(PARTICIPANTS, answer.offer)) this.state = 'accepted';
    return 'accepted';
  }

  get isOpen(): boolean {
    return this.state === 'proposed' || this.state === 'countered';
  }
}

function offered(answer: ReturnType<typeof makeOffer>): Offer {
  if (!answer.accepted) throw new Error(answer.code);
  return answer.offer;
}

function hear(scenario: Retold, { agent, says }: Word, proposalId: string): void {
  switch (says) {
    case 'propose':
      scenario.when(proposes(agent));
      return;
    case 'accept':
      scenario.when(accepts(agent, proposalId));
      return;
    case 'reject':
      scenario.when(rejects(agent));
      return;
    case 'sweep':
      scenario.when(sweep());
      return;
  }
}

describe('over random conversations', () => {
  it('a session answers and ends as the rules say, and agrees only to what everyone has accepted', () => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(fc.array(word, { maxLength: 25, size: 'max' }), (words) => {
        const scenario = given(pool(), opens({ participants: PARTICIPANTS, deadline: START + 120 }));
        const model = new Model(120);
        let now = 0;
        for (const spoken of words) {
          now += spoken.laterMs;
          const proposalId = `p-${model.offers.length - spoken.back}`;
          scenario.given(at(now));
          hear(scenario, spoken, proposalId);
          const { status, code } = scenario.answer;
          expect(status === 'accepted' ? status : code).toBe(model.hear(spoken, proposalId, now));
          const session = scenario.session('s-1');
          expect(session.state).toBe(model.state);
          expect(session.proposals.map(({ acceptedBy }) => acceptedBy)).toEqual(
            model.offers.map(({ acceptedBy }) => acceptedBy),
          );
          if (session.state === 'accepted') {
            expect([...(session.proposals.at(-1)?.acceptedBy ?? [])].sort()).toEqual(PARTICIPANTS);
          }
        }
        ends.add(model.state);
      }),
      { numRuns: 60 },
    );
    expect(ends.size).toBeGreaterThan(2);
  });
});
