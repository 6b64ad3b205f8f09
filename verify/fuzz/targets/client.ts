/**
 * What the client takes from a JavaScript program, against what the workers take from the log: what is sent is accepted,
 * and what is not sent would be refused, with the same code and the same words. Values are such as no JSON text has.
 */
import { encodeDecision, isUnsendable } from '../../../src/client/core/encode-decision.ts';
import { type Decoded, decode } from '../../../src/protocol/decode.ts';
import { isObject } from '../../../src/protocol/json.ts';
import { isName } from '../../../src/protocol/names.ts';
import { bodyHash } from '../../../src/protocol/outcome.ts';
import { subjects } from '../../../src/protocol/subjects.ts';
import type { Random } from '../../kit/chance/random.ts';
import { validDecision } from '../corpus/decisions.ts';
import { PLACE } from '../corpus/names.ts';
import { mutatedJson } from '../mutate/json.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must } from '../oracle.ts';
import type { Target } from './target.ts';

const SUBJECTS = subjects(PLACE.namespace);
const AGENT = 'ann';

export const clientTarget: Target = {
  name: 'client',
  share: 0.06,
  trial(random) {
    const decision = decisionBy(random);
    const pool = random.chance(0.02) ? nastyText(random) : 'work';
    return { input: Buffer.from(textOf(decision) ?? 'no JSON'), run: () => check(pool, decision) };
  },
};

type Written = { readonly type: string; readonly id?: string; readonly [field: string]: unknown };

function decisionBy(random: Random): Written {
  const valid = validDecision(random);
  const changed = parsed(mutatedJson(valid, random.integer(3), random));
  const body: Record<string, unknown> = isObject(changed) ? { ...changed } : { ...valid };
  for (let i = random.integer(3); i > 0; i--) {
    const field = random.chance(0.3) ? nastyText(random) : random.pick(['inputs', ...Object.keys(body)]);
    body[field] = oddValue(random);
  }
  const { id, type, ...rest } = body;
  return {
    ...rest,
    type: typeof type === 'string' ? type : 'SubmitTask',
    ...(typeof id === 'string' ? { id } : {}),
  };
}

function oddValue(random: Random): unknown {
  const written = random.pick(['x', undefined, 1e300, { a: 1 }]);
  const values: readonly [unknown, ...unknown[]] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -0,
    0.1 + 0.2,
    random.integer(1_000_000) / 7 ** random.integer(20),
    2 ** 53,
    5e-324,
    undefined,
    7n,
    new Date(random.integer(1_000_000)),
    { toJSON: () => written },
    new Map([['a', 1]]),
    Symbol('s'),
    'a\ud800',
    ['cafe\u0301', 'caf\u00e9'],
    'zero\u200bwidth',
    ' at the end ',
    nested(30 + random.integer(5)),
    Array(random.chance(0.1) ? random.pick([19_990, 20_001]) : 1).fill(0),
    circle(),
    Object.create({ inherited: 1 }),
    JSON.parse('{"__proto__": 1}'),
  ];
  return random.pick(values);
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function circle(): object {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

function check(pool: string, decision: Written): void {
  const encoded = encodeDecision(SUBJECTS, {
    pool,
    decision,
    agent: AGENT,
    shards: PLACE.shards,
    newId: () => 'new',
  });
  const text = textOf({ ...decision, id: decision.id ?? 'new' });
  if (isUnsendable(encoded)) {
    if (text === undefined || !isName(pool) || !isName(encoded.decisionId)) return;
    const judged = judge(pool, Buffer.from(text));
    must(judged.kind !== 'decision', `not sent (${encoded.message}), and the codec would take it`);
    const [code, message] =
      judged.kind === 'dead' ? ['invalid_decision', judged.reason] : [judged.code, judged.message];
    must(
      encoded.code === code && encoded.message === message,
      `${encoded.message}; the codec says ${message}`,
    );
    return;
  }
  must(judge(pool, encoded.payload).kind === 'decision', 'sent, and the codec refuses it');
  must(encoded.body === bodyHash(encoded.payload), 'sent under the hash of other bytes');
  must(Buffer.from(encoded.payload).toString() === text, 'sent as other bytes than the program wrote');
}

function judge(pool: string, bytes: Uint8Array): Decoded {
  return decode(SUBJECTS.decision(pool, AGENT, PLACE.shards), bytes, PLACE);
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
