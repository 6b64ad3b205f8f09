/** The decisions about votes (docs/protocol.md, "Votes"). */
import { z } from 'zod';
import {
  MAX_ELECTORATE,
  MAX_OBJECTIVE_CHARS,
  MAX_OPTIONS,
  MAX_OPTIONS_BYTES,
  MAX_VOTER_WEIGHT,
} from '../limits.ts';
import { envelope, labelSchema, nameSchema, otherAgentSchema, timeSchema } from './common.ts';

const TWICE = 'must not contain duplicates';

function areDifferent(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

/** A tally counts by the names of options, so that an option cannot have a name that no object can hold safely. */
const optionSchema = labelSchema.refine((option) => option !== '__proto__', 'not a name for an option');

const optionsSchema = z
  .array(optionSchema)
  .min(2)
  .max(MAX_OPTIONS)
  .refine(areDifferent, TWICE)
  .refine(
    (options) => Buffer.byteLength(JSON.stringify(options)) <= MAX_OPTIONS_BYTES,
    `together more than ${MAX_OPTIONS_BYTES} bytes`,
  );

const fractionSchema = z
  .strictObject({ num: z.int().min(1).max(1_000_000), den: z.int().min(1).max(1_000_000) })
  .refine(({ num, den }) => num <= den, 'more than everything');

const METHODS = ['plurality', 'majority', 'unanimous', 'approval', 'ranked', 'schulze', 'borda'] as const;

/** A supermajority is `{supermajority: {num, den}}`, or `{kind: "supermajority", num, den}`; kept in the first form. */
const methodSchema = z.union(
  [
    z.enum(METHODS),
    z.strictObject({ supermajority: fractionSchema }),
    z
      .strictObject({ kind: z.literal('supermajority'), ...fractionSchema.shape })
      .refine(({ num, den }) => num <= den, 'more than everything')
      .transform(({ num, den }) => ({ supermajority: { num, den } })),
  ],
  `one of ${METHODS.join(', ')}, or {"supermajority": {"num", "den"}}`,
);

const electorateSchema = z.union(
  [
    z.literal('members'),
    z.array(otherAgentSchema).min(1, 'nobody').max(MAX_ELECTORATE).refine(areDifferent, TWICE),
  ],
  `"members", or a list of at most ${MAX_ELECTORATE} agents`,
);

export const openVoteSchema = z.strictObject({
  ...envelope,
  type: z.literal('OpenVote'),
  voteId: nameSchema,
  question: z.string().max(MAX_OBJECTIVE_CHARS),
  options: optionsSchema,
  method: methodSchema,
  electorate: electorateSchema
    .optional()
    .describe('who may vote, frozen at opening: the members of that moment (default), or those of a list'),
  weights: z
    .record(nameSchema, z.int().min(1).max(MAX_VOTER_WEIGHT))
    .optional()
    .describe('weights of the ballots of some voters (default 1)'),
  quorum: z
    .int()
    .min(0)
    .max(MAX_ELECTORATE * MAX_VOTER_WEIGHT)
    .optional()
    .describe('weight that must have voted for the vote to count (0)'),
  abstentionsCountForQuorum: z
    .boolean()
    .optional()
    .describe('does an abstention count towards the quorum? (true)'),
  changeable: z.boolean().optional().describe('true: the last ballot of a voter counts; false: the first'),
  closesAt: timeSchema,
  closeWhenDecided: z
    .boolean()
    .optional()
    .describe('true: closes as soon as those who have not voted can change nothing any more'),
});

const namedSchema = z.array(labelSchema).max(MAX_OPTIONS).refine(areDifferent, TWICE);
/** An option, or several that are ranked equally. */
const rankSchema = z.union(
  [labelSchema, z.array(labelSchema).min(1).max(MAX_OPTIONS)],
  'an option, or a list of options that are ranked equally',
);
const rankingSchema = z
  .array(rankSchema)
  .max(MAX_OPTIONS)
  .refine((ranks) => ranks.flat().length <= MAX_OPTIONS, `names more than ${MAX_OPTIONS} options`)
  .refine((ranks) => areDifferent(ranks.flat()), TWICE);
const CHOICES = ['option', 'approvals', 'ranking', 'abstain'] as const;

export const voteSchema = z
  .strictObject({
    ...envelope,
    type: z.literal('Vote'),
    voteId: nameSchema,
    option: labelSchema.optional(),
    approvals: namedSchema.optional().describe('any number of options, in any order'),
    ranking: rankingSchema
      .optional()
      .describe('options, the best first; may be incomplete; equal ones in a list: [["a", "b"], "c"]'),
    abstain: z.literal(true).optional(),
  })
  .refine(
    (vote) => CHOICES.filter((choice) => vote[choice] !== undefined).length === 1,
    `exactly one of ${CHOICES.join(', ')}`,
  );

export const closeVoteSchema = z.strictObject({
  ...envelope,
  type: z.literal('CloseVote'),
  voteId: nameSchema,
});
