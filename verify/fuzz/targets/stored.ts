/** What the store gives back as text: outbox entries, settings, references, members of indexes. */
import { StoredStateError } from '../../../src/lib/errors.ts';
import { parseEntityRef } from '../../../src/protocol/entities.ts';
import { formatSequence } from '../../../src/protocol/event.ts';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { parsePendingMember, pendingMember } from '../../../src/state/keys.ts';
import { decodeOutbox, encodeOutbox, type Owed } from '../../../src/workers/shard/outbox.ts';
import type { Random } from '../../kit/chance/random.ts';
import { mutatedBytes } from '../mutate/bytes.ts';
import { mutatedJson } from '../mutate/json.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must } from '../oracle.ts';
import type { Target } from './target.ts';

export const storedTarget: Target = {
  name: 'stored',
  share: 0.06,
  trial(random) {
    const kind = random.integer(8);
    if (kind < 3) return outboxOf(random);
    if (kind < 5) return damagedOutbox(random);
    if (kind < 6) return settings(random);
    return references(random);
  },
};

function owedBy(random: Random): Owed {
  const list = <T>(make: () => T): T[] => Array.from({ length: random.integer(4) }, make);
  return {
    results: list(() => `work.ann.d-${random.integer(100)}`),
    refusals: list(() => ({
      key: `work.ann.d-${random.integer(100)}`,
      json: JSON.stringify({ message: nastyText(random) }),
    })),
    packs: list(() => ({
      subject: `converge.events.${random.integer(9)}.work`,
      id: `0-${random.integer(1_000)}-0_0-${random.integer(1_000)}-0`,
      first: formatSequence(random.integer(1_000)),
      last: formatSequence(random.integer(1_000)),
      count: 1 + random.integer(1_000),
      json: JSON.stringify([{ data: nastyText(random) }]),
    })),
    deadLetters: list(() => ({ seq: 1 + random.integer(1_000_000), reason: nastyText(random) })),
  };
}

/** Reasons may quote a stranger: of them only a line is kept. */
function outboxOf(random: Random) {
  const owed = owedBy(random);
  return {
    input: Buffer.from(JSON.stringify(owed)),
    run: () => {
      const payload = encodeOutbox(owed);
      if (payload === undefined) {
        const isNothing = Object.values(owed).every((list) => list.length === 0);
        must(isNothing, 'what is owed is forgotten');
        return;
      }
      const { results, refusals, packs, deadLetters } = decodeOutbox(payload);
      const isSame =
        JSON.stringify({ results, refusals, packs }) ===
        JSON.stringify({ results: owed.results, refusals: owed.refusals, packs: owed.packs });
      must(isSame, 'results or events come out of the outbox as others');
      const seqs = JSON.stringify(deadLetters.map(({ seq }) => seq));
      must(
        seqs === JSON.stringify(owed.deadLetters.map(({ seq }) => seq)),
        'dead letters come out as others',
      );
      must(
        encodeOutbox({ results, refusals, packs, deadLetters }) === payload,
        'written again it is another entry',
      );
    },
  };
}

function damagedOutbox(random: Random) {
  const payload = encodeOutbox(owedBy(random)) ?? '';
  const input = mutatedBytes(Buffer.from(payload), 1 + random.integer(3), random);
  return {
    input,
    run: () => {
      try {
        const { deadLetters } = decodeOutbox(Buffer.from(input).toString('utf8'));
        must(
          deadLetters.every(({ seq }) => Number.isSafeInteger(seq) && seq >= 1),
          'a dead letter at no position',
        );
      } catch (error) {
        if (!(error instanceof StoredStateError)) throw error;
        must(error.message.length < 100, 'the message has no bound');
      }
    },
  };
}

function settings(random: Random) {
  const text = mutatedJson(settingsSchema.parse({}), 1 + random.integer(3), random);
  return {
    input: Buffer.from(text),
    run: () => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return;
      }
      const parsed = settingsSchema.safeParse(value);
      if (!parsed.success) return;
      const isExact = Object.values(parsed.data).every(
        (bound) => bound === undefined || (Number.isSafeInteger(bound) && bound >= 1),
      );
      must(isExact, 'a bound that is none was accepted');
    },
  };
}

function references(random: Random) {
  const text = random.chance(0.5)
    ? nastyText(random)
    : `${random.pick(['vote', 'auction', 'task'])}/${nastyText(random)}`;
  return {
    input: Buffer.from(text),
    run: () => {
      const ref = parseEntityRef(text);
      must(ref === undefined || `${ref.kind}/${ref.id}` === text, 'a reference is read as another');
      const order = random.integer(1_000_000_000);
      const member = pendingMember({ order, submittedAt: random.integer(2_000_000_000), taskId: text });
      must(parsePendingMember(member).taskId === text, 'a member of an index is read as another task');
    },
  };
}
