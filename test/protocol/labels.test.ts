import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelSchema } from '../../src/protocol/decisions/common.ts';
import { decode } from '../../src/protocol/decode.ts';
import { QUERIES } from '../../src/protocol/queries.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { character } from './characters.ts';

const PLACE = { namespace: 'converge', shard: 0, shards: 1 };
const NFC = 'caf\u00e9';
const NFD = 'cafe\u0301';

function decoded(body: object) {
  const bytes = Buffer.from(JSON.stringify({ id: 'd-1', ...body }));
  return decode(subjects().decision('work', 'ann', 1), bytes, PLACE);
}

const vote = { type: 'OpenVote', voteId: 'v', question: 'q', method: 'plurality', closesAt: 1 };
const task = { type: 'SubmitTask', taskId: 't', objective: 'o' };

describe('names that look alike are one name, however they were typed', () => {
  it.each([
    [{ ...vote, options: [NFD, 'b'] }, { options: [NFC, 'b'] }],
    [{ type: 'Vote', voteId: 'v', option: NFD }, { option: NFC }],
    [{ type: 'Vote', voteId: 'v', approvals: [NFD] }, { approvals: [NFC] }],
    [{ type: 'Vote', voteId: 'v', ranking: ['b', NFD] }, { ranking: ['b', NFC] }],
    [{ ...task, topic: NFD }, { topic: NFC }],
    [{ ...task, requiredCapabilities: [NFD, ['x', NFD]] }, { requiredCapabilities: [NFC, ['x', NFC]] }],
    [{ type: 'JoinPool', capabilities: [NFD] }, { capabilities: [NFC] }],
    [{ type: 'CreatePool', topics: [NFD] }, { topics: [NFC] }],
    [{ type: 'ClaimNextTask', topics: [NFD] }, { topics: [NFC] }],
  ])('%j', (body, kept) => {
    expect(decoded(body)).toMatchObject({ kind: 'decision', decision: kept });
  });

  it('in queries, too', () => {
    const query = QUERIES['pending-tasks'].parse({ agent: 'ann', capabilities: [NFD] });
    expect(query.capabilities).toEqual([NFC]);
  });

  it('two options of which only the form differs are one that stands there twice', () => {
    expect(decoded({ ...vote, options: [NFC, NFD] })).toMatchObject({
      code: 'invalid_decision',
      message: 'options: must not contain duplicates',
    });
    expect(decoded({ type: 'Vote', voteId: 'v', ranking: [NFC, NFD] })).toMatchObject({
      code: 'invalid_decision',
    });
  });

  it('the bound on their length is that of what is kept', () => {
    expect(labelSchema.safeParse('e\u0301'.repeat(128)).data).toBe('\u00e9'.repeat(128));
    // U+0958 is one character that NFC writes as two.
    expect(labelSchema.safeParse('\u0958'.repeat(65)).success).toBe(false);
  });
});

describe('what cannot be seen is refused, with the character', () => {
  it.each([
    ['a zero-width space', 'yes\u200b', 'U+200B'],
    ['a joiner', 'y\u200des', 'U+200D'],
    ['a direction mark', '\u200eyes', 'U+200E'],
    ['a direction override', '\u202esey', 'U+202E'],
    ['an isolate', '\u2066yes', 'U+2066'],
    ['a byte order mark', '\ufeffyes', 'U+FEFF'],
    ['a soft hyphen', 'y\u00ades', 'U+00AD'],
    ['a word joiner', 'y\u2060es', 'U+2060'],
    ['a combining joiner', 'y\u034fes', 'U+034F'],
    ['a Hangul filler', 'yes\u3164', 'U+3164'],
    ['a variation selector', 'yes\ufe0f', 'U+FE0F'],
    ['a tag character', 'yes\u{e0041}', 'U+E0041'],
    ['an empty Braille pattern', 'yes\u2800', 'U+2800'],
    ['a line break', 'yes\n', 'U+000A'],
    ['a tab', 'y\tes', 'U+0009'],
    ['a null', 'yes\0', 'U+0000'],
    ['a no-break space', 'a\u00a0b', 'U+00A0'],
    ['an ideographic space', 'a\u3000b', 'U+3000'],
    ['a line separator', 'a\u2028b', 'U+2028'],
    ['a space at the end', 'yes ', 'a space at its beginning or end'],
    ['a space at the beginning', ' yes', 'a space at its beginning or end'],
    ['nothing but a space', ' ', 'a space at its beginning or end'],
    ['two spaces', 'oh  yes', 'two consecutive spaces'],
  ])('%s', (_, label, why) => {
    expect(decoded({ ...vote, options: ['b', label] })).toMatchObject({
      kind: 'rejected',
      code: 'invalid_decision',
      message: expect.stringMatching(new RegExp(`^options\\[1\\]: ${why.replace('+', '\\+')}`)),
    });
  });

  it.each(['yes', 'oh yes', 'Übergröße', '日本語', 'العربية', 'हिन्दी', '😀', 'a/b:c', "it's", '…', '١٢٣'])(
    'words of every language stay as they are: %s',
    (label) => {
      expect(labelSchema.parse(label)).toBe(label.normalize('NFC'));
    },
  );
});

/** By the Unicode of this Node, which knows other names for the same characters. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}\u{fff9}-\u{fffb}]|(?! )\p{Zs}/u;

it('whatever is accepted is in NFC, can be seen, and is accepted again as the same', () => {
  const text = fc.oneof(
    fc.string({ unit: character, maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  fc.assert(
    fc.property(text, (typed) => {
      const { success, data } = labelSchema.safeParse(typed);
      if (!success) return;
      expect(data).toBe(data.normalize('NFC'));
      expect(UNSEEN.test(data)).toBe(false);
      expect(data).toBe(data.trim());
      expect(labelSchema.parse(data)).toBe(data);
    }),
    { numRuns: 5_000 },
  );
});

it('no character that Unicode calls invisible passes, wherever in its planes it is', () => {
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const char = String.fromCodePoint(point);
    if (UNSEEN.test(char)) expect(labelSchema.safeParse(`a${char}b`).success, point.toString(16)).toBe(false);
  }
});
