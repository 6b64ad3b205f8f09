import { describe, expect, it } from 'vitest';
import { acceptOffer, isAgreed, makeOffer, type Offer, type OfferAnswer } from '../../src/rules/index.ts';

const three = ['ann', 'bob', 'cid'];

function offer(answer: OfferAnswer): Offer {
  if (!answer.accepted) throw new Error(`refused: ${answer.code}`);
  return answer.offer;
}

const annsOffer = offer(makeOffer(three, 'ann', 'p-1'));

describe('negotiation', () => {
  it('offering is accepting the own offer', () => {
    expect(annsOffer.acceptedBy).toEqual(['ann']);
    expect(isAgreed(three, annsOffer)).toBe(false);
  });

  it('is agreed when every participant has accepted the same offer, not before', () => {
    const two = offer(acceptOffer(three, annsOffer, 'bob', 'p-1'));
    expect(isAgreed(three, two)).toBe(false);
    expect(isAgreed(three, offer(acceptOffer(three, two, 'cid', 'p-1')))).toBe(true);
  });

  it('one participant accepting again and again does not make it agreed', () => {
    const once = offer(acceptOffer(three, annsOffer, 'bob', 'p-1'));
    const twice = offer(acceptOffer(three, once, 'bob', 'p-1'));
    expect(twice.acceptedBy).toEqual(['ann', 'bob']);
    expect(isAgreed(three, twice)).toBe(false);
  });

  it('a new offer clears the acceptances of the one before, the one of its own proposer aside', () => {
    const counter = offer(makeOffer(three, 'cid', 'p-2'));
    expect(counter.acceptedBy).toEqual(['cid']);
  });

  it('an offer that has been replaced cannot be accepted any more', () => {
    const counter = offer(makeOffer(three, 'cid', 'p-2'));
    expect(acceptOffer(three, counter, 'bob', 'p-1')).toEqual({ accepted: false, code: 'stale_proposal' });
  });

  it('the proposer cannot accept or reject its own proposal', () => {
    expect(acceptOffer(three, annsOffer, 'ann', 'p-1')).toEqual({ accepted: false, code: 'own_proposal' });
  });

  it('only participants speak', () => {
    expect(makeOffer(three, 'eve', 'p-2')).toEqual({ accepted: false, code: 'not_a_participant' });
    expect(acceptOffer(three, annsOffer, 'eve', 'p-1')).toEqual({
      accepted: false,
      code: 'not_a_participant',
    });
  });
});
