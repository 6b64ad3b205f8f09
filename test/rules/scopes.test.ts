import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, familyOf, narrows, parseScopeEntry, type Scope } from '../../src/rules/index.ts';

const vote = (entityId?: string) => ({ type: 'Vote', family: 'votes', entityId });

describe('a scope covers a decision', () => {
  it.each<[string, Scope, boolean]>([
    ['its type', ['Vote'], true],
    ['its family', ['votes'], true],
    ['its type narrowed to its id', ['Vote:v-7'], true],
    ['its family narrowed to its id', ['votes:v-7'], true],
    ['one entry among others', ['tasks', 'Vote:v-7'], true],
    ['another type of the family', ['CloseVote'], false],
    ['another family', ['tasks'], false],
    ['its type narrowed to another id', ['Vote:v-8'], false],
    ['its type with nothing after the colon', ['Vote:'], false],
    ['its type in other letters', ['vote'], false],
    ['nothing', [], false],
  ])('%s: %j is %s', (_, scope, covered) => {
    expect(covers(scope, vote('v-7'))).toBe(covered);
  });

  it('a narrowed entry does not cover a decision about no one thing', () => {
    const claimNext = { type: 'ClaimNextTask', family: 'tasks' };
    expect(covers(['tasks:t-1', 'ClaimNextTask:t-1', 'tasks:undefined'], claimNext)).toBe(false);
    expect(covers(['tasks'], claimNext)).toBe(true);
  });

  it('a decision without a family is covered by its type alone', () => {
    expect(covers(['JoinPool'], { type: 'JoinPool' })).toBe(true);
    expect(covers(['tasks', 'undefined'], { type: 'JoinPool' })).toBe(false);
  });
});

describe('a scope narrows another', () => {
  it.each<[Scope, Scope, boolean]>([
    [['Vote'], ['Vote'], true],
    [['Vote'], ['votes'], true],
    [['Vote:v-7'], ['Vote'], true],
    [['Vote:v-7'], ['votes'], true],
    [['Vote:v-7'], ['votes:v-7'], true],
    [['votes:v-7'], ['votes'], true],
    [[], ['Vote'], true],
    [['Vote', 'tasks:t-1'], ['tasks', 'votes'], true],
    [['votes'], ['Vote'], false],
    [['votes'], ['OpenVote', 'Vote', 'CloseVote'], false],
    [['Vote'], ['Vote:v-7'], false],
    [['Vote:v-8'], ['Vote:v-7'], false],
    [['Vote', 'tasks'], ['votes'], false],
    [['Vote'], [], false],
    [['Vote:'], ['Vote'], false],
  ])('%j stays within %j: %s', (child, parent, within) => {
    expect(narrows(child, parent)).toBe(within);
  });

  it('what the narrower covers, the wider covers too', () => {
    const entry = fc
      .tuple(
        fc.constantFrom('Vote', 'CloseVote', 'votes', 'SubmitBid', 'auctions'),
        fc.constantFrom('', ':x', ':y'),
      )
      .map((parts) => parts.join(''));
    const scope = fc.array(entry, { maxLength: 3 });
    const decision = fc.record({
      type: fc.constantFrom('Vote', 'CloseVote', 'SubmitBid'),
      entityId: fc.constantFrom('x', 'y', undefined),
    });
    fc.assert(
      fc.property(scope, scope, decision, (child, parent, { type, entityId }) => {
        const asked = { type, family: familyOf(type), entityId };
        if (narrows(child, parent) && covers(child, asked)) expect(covers(parent, asked)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the text of an entry', () => {
  it.each([
    ['Vote', { name: 'Vote' }],
    ['votes:v-7', { name: 'votes', entityId: 'v-7' }],
  ])('%s is read in its parts', (text, entry) => {
    expect(parseScopeEntry(text)).toEqual(entry);
  });

  it.each(['', ':', ':v-7', 'Vote:', 'Vote:a:b', 'Vote:a b', ' Vote', 'Vote\n', '*'])(
    '%j is none',
    (text) => {
      expect(parseScopeEntry(text)).toBeUndefined();
    },
  );
});
