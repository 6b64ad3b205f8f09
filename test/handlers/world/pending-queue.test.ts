import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PendingQueue } from '../../../src/handlers/world/pending-queue.ts';
import { claimClass, type PendingTask, satisfies } from '../../../src/protocol/documents.ts';

const NAMES = ['gpu', 'rust', 'go'];

const task = fc
  .record({
    order: fc.nat(30),
    priority: fc.integer({ min: -1, max: 1 }),
    topic: fc.constantFrom(undefined, 'x', 'y'),
    requiredCapabilities: fc.array(fc.subarray(NAMES, { minLength: 1 }), { maxLength: 2 }),
  })
  .map(
    ({ topic, ...fields }): PendingTask => ({
      pool: 'work',
      taskId: `t-${fields.order}`,
      objective: '',
      dependsOn: [],
      constraints: { claimTtlMs: 1, maxAttempts: 1, backoffMs: 0, maxExpiries: 1, maxUnstarted: 10 },
      submitter: 'ann',
      submittedAt: 0,
      epoch: 0,
      failures: 0,
      expiries: 0,
      origin: { agent: 'ann', decisionId: 'd' },
      state: 'pending',
      ...(topic === undefined ? {} : { topic }),
      ...fields,
    }),
  );

const tasks = fc.uniqueArray(task, { selector: ({ taskId }) => taskId, maxLength: 25 });

describe('PendingQueue', () => {
  it('finds what looking at every task would find, in claiming order', () => {
    fc.assert(
      fc.property(
        tasks,
        fc.subarray(NAMES),
        fc.option(fc.subarray(['x', 'y', 'z']), { nil: undefined }),
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.boolean()),
        (all, capabilities, topics, count, coins) => {
          const queue = new PendingQueue();
          for (const each of all) queue.add(each);
          const left = all.filter((each) => {
            const isLeft = coins.next().value === true;
            if (!isLeft) queue.remove(each);
            return isLeft;
          });
          const isWanted = ({ order }: PendingTask) => order % 3 !== 0;
          const expected = left
            .filter(isWanted)
            .filter((each) => satisfies(new Set(capabilities), each.requiredCapabilities))
            .filter(({ topic }) => topics === undefined || (topic !== undefined && topics.includes(topic)))
            .sort((a, b) => b.priority - a.priority || a.order - b.order)
            .slice(0, count);
          const asked = topics === undefined ? undefined : new Set(topics);
          expect(queue.best(count, new Set(capabilities), asked, isWanted)).toEqual(expected);
          const classes = new Set(left.map(claimClass));
          for (const each of all)
            expect(queue.hasClass(claimClass(each))).toBe(classes.has(claimClass(each)));
        },
      ),
    );
  });

  it('of two tasks with the same topic and requirements one look decides for both', () => {
    const [first] = fc.sample(task, 1);
    if (first === undefined) throw new Error('no sample');
    const another: PendingTask = { ...first, taskId: 'another', order: 99, priority: 9 };
    expect(claimClass(another)).toBe(claimClass(first));
    expect(claimClass({ requiredCapabilities: [] })).toBe('');
    expect(claimClass({ topic: 'x', requiredCapabilities: [] })).not.toBe(
      claimClass({ requiredCapabilities: [['x']] }),
    );
  });
});

describe('satisfies', () => {
  it.each([
    [[], [], true],
    [[], [['a']], false],
    [['a'], [['a', 'b']], true],
    [['b'], [['a', 'b']], true],
    [['a'], [['a'], ['b', 'c']], false],
    [['a', 'c'], [['a'], ['b', 'c']], true],
  ])('%j against %j: %s', (capabilities, requirements, expected) => {
    expect(satisfies(new Set(capabilities), requirements)).toBe(expected);
  });

  it('how much is looked at does not grow with classes that share a requirement, nor with their topics', () => {
    const [sample] = fc.sample(task, 1);
    if (sample === undefined) throw new Error('no sample');
    const lookedAt = (
      count: number,
      of: (i: number) => Partial<PendingTask>,
      topics?: ReadonlySet<string>,
    ) => {
      const queue = new PendingQueue();
      for (let i = 0; i < count; i++) queue.add({ ...sample, taskId: `t-${i}`, order: i, ...of(i) });
      let asked = 0;
      class Counting extends Set<string> {
        override has(name: string): boolean {
          asked++;
          return super.has(name);
        }
      }
      expect(queue.best(1, new Counting(['a']), topics, () => true)).toEqual([]);
      return asked;
    };
    const anyTopic = new Set(['x']);
    for (const count of [10, 2_000]) {
      expect(lookedAt(count, (i) => ({ requiredCapabilities: [['a'], [`b-${i}`]] }))).toBeLessThan(10);
      expect(
        lookedAt(count, (i) => ({ topic: 'x', requiredCapabilities: [['a'], [`b-${i}`]] }), anyTopic),
      ).toBeLessThan(10);
      expect(
        lookedAt(count, (i) => ({ topic: `t-${i}`, requiredCapabilities: [['a'], ['b']] })),
      ).toBeLessThan(10);
    }
  });
});
