/** From what was typed to decisions that can be sent: their form is judged as a worker would judge it. */
import { uuidv7 } from '../client/core/ids.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { batchSchema, isSingleType, SINGLE_DECISIONS } from '../protocol/decisions/index.ts';
import { decode } from '../protocol/decode.ts';
import { subjects } from '../protocol/subjects.ts';
import { UsageError } from './failure.ts';
import { fieldHint } from './field-hint.ts';
import { type Body, readFields } from './fields.ts';
import type { Item } from './stdin.ts';

/** A decision with its id, not yet sent. */
export interface Draft {
  readonly where: string;
  readonly decision: Body & { readonly id: string; readonly type: string };
}

export interface Envelope {
  readonly type: string | undefined;
  readonly id: string | undefined;
}

export function draftOf(item: Item, envelope: Envelope): Draft {
  const { where, body } = item;
  const type = agreed('type', body.type, envelope.type);
  if (type === undefined) throw new UsageError(`${where}: type: required`);
  const id = agreed('id', body.id, envelope.id) ?? uuidv7();
  return { where, decision: { ...body, id, type } };
}

/** The words after the type, in the form that its schema wants. */
export function fieldsOf(type: string, words: readonly string[]): Body {
  return readFields(words, schemaOf(type), { id: 'id', type });
}

/** One Batch of all of them. */
export function batchOf(items: readonly Item[], words: readonly string[], id: string | undefined): Draft {
  const decisions = items.map(({ body }) => body);
  return draftOf({ where: 'Batch', body: { ...fieldsOf('Batch', words), decisions } }, { type: 'Batch', id });
}

/** Throws a {@link UsageError} with the path of the first fault: nothing has been sent by then. */
export function checkDraft({ where, decision }: Draft, pool: string, agent: string): void {
  // With one shard every pool is in the right one: this is about the form alone.
  const place = { namespace: 'local', shard: 0, shards: 1 };
  const subject = subjects(place.namespace).decision(pool, agent, place.shards);
  const decoded = decode(subject, Buffer.from(JSON.stringify(decision)), place);
  if (decoded.kind === 'decision') return;
  const [reason, hint] =
    decoded.kind === 'dead'
      ? [decoded.reason, '']
      : [
          `${decoded.code}: ${decoded.message}`,
          decoded.code === 'unknown_type'
            ? didYouMean(decision.type, decisionTypes())
            : fieldHint(schemaOf(decision.type), decision),
        ];
  throw new UsageError(`${where}: ${reason}${hint}`);
}

export function decisionTypes(): string[] {
  return [...Object.keys(SINGLE_DECISIONS), 'Batch'];
}

function schemaOf(type: string) {
  if (type === 'Batch') return batchSchema;
  return isSingleType(type) ? SINGLE_DECISIONS[type] : undefined;
}

/** Fields and arguments must not contradict each other. */
function agreed(name: string, inside: unknown, said: string | undefined): string | undefined {
  if (inside === undefined) return said;
  if (typeof inside !== 'string') throw new UsageError(`${name}: must be text`);
  if (said !== undefined && said !== inside) throw new UsageError(`${name} is both ${said} and ${inside}`);
  return inside;
}
