import { describe, expect, it } from 'vitest';
import { SINGLE_DECISIONS } from '../../src/protocol/decisions/index.ts';
import { decode } from '../../src/protocol/decode.ts';
import { validDecision } from '../../verify/fuzz/corpus/decisions.ts';
import { PLACE } from '../../verify/fuzz/corpus/names.ts';
import { must } from '../../verify/fuzz/oracle.ts';
import { planOf } from '../../verify/fuzz/plan.ts';
import { TARGETS } from '../../verify/fuzz/targets/index.ts';
import type { Target } from '../../verify/fuzz/targets/target.ts';
import { inputOf, tryInputs } from '../../verify/fuzz/try-inputs.ts';
import { Random } from '../../verify/kit/chance/random.ts';

/** A million are `npm run fuzz`. */
const SAMPLE = 8_000;
const SEED = 1;

describe('a sample of what npm run fuzz tries', () => {
  it.each(planOf(SAMPLE))('$count inputs of $target', async (part) => {
    expect(await tryInputs([part], SEED)).toEqual([]);
  });
});

describe('the fuzzer', () => {
  it('gives every target its share, and loses no input', () => {
    expect(TARGETS.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    const parts = planOf(1_003);
    expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(1_003);
    expect(parts.every(({ count }) => count > 0)).toBe(true);
  });

  it('makes the same input again from seed and number alone, and another from another', () => {
    for (const { name } of TARGETS) {
      expect(inputOf(name, 7, 123)).toEqual(inputOf(name, 7, 123));
      const inputs = Array.from({ length: 20 }, (_, n) => Buffer.from(inputOf(name, 7, n)).toString('hex'));
      expect(new Set(inputs).size).toBeGreaterThan(10);
    }
  });

  it('begins with decisions that are valid, of every type', () => {
    const random = new Random(SEED);
    const types = new Set<string>();
    for (let i = 0; i < 2_000; i++) {
      const body = validDecision(random);
      const address = body.type === 'Sweep' ? '_shard._sweeper' : 'work.ann';
      const decoded = decode(`converge.decisions.0.${address}`, Buffer.from(JSON.stringify(body)), PLACE);
      if (decoded.kind !== 'decision')
        expect(decoded).toMatchObject({ message: expect.stringMatching(MAY_REPEAT) });
      types.add(body.type);
    }
    expect(types).toEqual(new Set([...Object.keys(SINGLE_DECISIONS), 'Batch', 'Sweep']));
  });

  it('finds a fault, and finds it again alone', async () => {
    const targets = [faultyTarget('seven', (byte) => must(byte !== 7, 'it is seven'))];
    const failures = await tryInputs([{ target: 'seven', from: 0, count: 500 }], SEED, { targets });
    const [first] = failures;
    expect(first).toMatchObject({ target: 'seven', what: 'Violation: it is seven', hex: '07', bytes: 1 });
    const again = [{ target: 'seven', from: first?.n ?? -1, count: 1 }];
    expect(await tryInputs(again, SEED, { targets })).toEqual([first]);
  });

  it('notices that a prototype was changed', async () => {
    const pollute = (): void => {
      Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true });
    };
    const targets = [faultyTarget('polluter', pollute)];
    try {
      const failures = await tryInputs([{ target: 'polluter', from: 0, count: 1 }], SEED, { targets });
      expect(failures).toMatchObject([{ what: expect.stringContaining('prototype') }]);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
  });

  it('ends with the tenth failure', async () => {
    const targets = [faultyTarget('faulty', () => must(false, 'always'))];
    expect(await tryInputs([{ target: 'faulty', from: 0, count: 1_000 }], SEED, { targets })).toHaveLength(
      10,
    );
  });
});

/** What only looks at how many are asked is not looked at by the corpus: too few participants, or nobody to ask. */
const MAY_REPEAT = /participants|electorate/;

function faultyTarget(name: string, look: (byte: number) => void): Target {
  return {
    name,
    share: 1,
    trial(random) {
      const byte = random.integer(16);
      return { input: Buffer.of(byte), run: () => look(byte) };
    },
  };
}
