import { describe, expect, it } from 'vitest';
import { SINGLE_DECISIONS } from '../../src/protocol/decisions/index.ts';
import { eventId, formatSequence } from '../../src/protocol/event.ts';
import { jsonSchemas } from '../../src/protocol/json-schemas.ts';
import { decisionKey } from '../../src/protocol/outcome.ts';
import { isQueryName, QUERIES } from '../../src/protocol/queries.ts';

describe('what events and decisions are called', () => {
  it('an event by the place of its decision in the log, and its own among those of the decision', () => {
    expect(eventId(3, 120, 1)).toBe('3-120-1');
  });

  it('numbers of events sort as texts do as numbers', () => {
    const numbers = [0, 1, 9, 10, 99, 100, Number.MAX_SAFE_INTEGER];
    expect(numbers.map(formatSequence).toSorted()).toEqual(numbers.map(formatSequence));
    expect(formatSequence(42)).toBe('0000000000000042');
  });

  it('a decision by its agent and its id: ids are unique per agent only', () => {
    expect(decisionKey('work', 'ann', 'd-1')).toBe('work.ann.d-1');
  });
});

describe('queries', () => {
  it('are known by their names, and by nothing that every object has', () => {
    expect(Object.keys(QUERIES).filter((name) => !isQueryName(name))).toEqual([]);
    expect(['', 'nonsense', 'constructor', 'toString'].filter(isQueryName)).toEqual([]);
  });
});

describe('JSON schemas', () => {
  it('there is one for every decision and query, and for outcomes and events', () => {
    const decisions = [...Object.keys(SINGLE_DECISIONS), 'Batch', 'Sweep', 'Settle'].map(
      (type) => `decision.${type}`,
    );
    const queries = Object.keys(QUERIES).map((name) => `query.${name}`);
    expect(Object.keys(jsonSchemas()).toSorted()).toEqual(
      [...decisions, ...queries, 'outcome', 'event'].toSorted(),
    );
  });

  it('they describe what is written, in which defaults can be left out', () => {
    expect(jsonSchemas()['decision.OpenAuction']).toMatchObject({
      type: 'object',
      required: ['id', 'type', 'auctionId', 'kind', 'closesAt'],
      properties: { direction: { default: 'forward' } },
    });
  });

  it('they say of amounts that they are numbers or texts', () => {
    expect(jsonSchemas()['decision.SubmitBid']).toMatchObject({
      properties: { amount: { type: ['number', 'string'] } },
    });
  });
});
