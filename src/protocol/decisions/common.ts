import { z } from 'zod';
import type { Json } from '../json.ts';
import { labelFault } from '../labels.ts';
import { MAX_DURATION_MS, MAX_LABEL_CHARS, MAX_REASON_CHARS, MAX_TIME_MS, MAX_TOPICS } from '../limits.ts';
import { isReserved, NAME_PATTERN } from '../names.ts';

/** A pool, agent or entity: what can stand as one token of a subject. */
export const nameSchema = z.string().regex(NAME_PATTERN, 'letters, digits, _ and -, 1 to 64 of them');

/** Someone who is asked to take part: not one of the system's, which never would. */
export const otherAgentSchema = nameSchema.refine(
  (name) => !isReserved(name),
  'names that start with _ are reserved for the system',
);

export const timeSchema = z.int().min(0).max(MAX_TIME_MS).describe('milliseconds since the epoch');
export const durationSchema = z.int().min(1).max(MAX_DURATION_MS).describe('milliseconds');
/** A name in words: kept in NFC, without what cannot be seen; see {@link labelFault}. */
export const labelSchema = z
  .string()
  .normalize('NFC')
  .min(1)
  .max(MAX_LABEL_CHARS)
  .superRefine((label, { addIssue }) => {
    const fault = labelFault(label);
    if (fault !== undefined) addIssue(fault);
  });
export const topicsSchema = z.array(labelSchema).max(MAX_TOPICS);
export const reasonSchema = z.string().max(MAX_REASON_CHARS);
/** Any JSON: the decoder has looked at every value already, so it is not walked a second time here. */
export const jsonSchema = z.custom<Json>((value) => value !== undefined, 'required');
export const countSchema = z.int().min(1).max(1_000_000);

/** The fields of every decision besides those of its type. */
export const envelope = {
  id: nameSchema.describe('chosen by the agent; repeating the id repeats the first outcome'),
  onBehalfOf: nameSchema.optional().describe('the principal whose rights are used, through live delegations'),
};
