/** Subjects: an address is read from exactly the subject that would be written for it. */
import { parseDecisionSubject, subjects } from '../../../src/protocol/subjects.ts';
import type { Random } from '../../kit/chance/random.ts';
import { mutatedBytes } from '../mutate/bytes.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must } from '../oracle.ts';
import type { Target } from './target.ts';

const NAMESPACE = 'converge';
const SUBJECTS = subjects(NAMESPACE);
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export const subjectTarget: Target = {
  name: 'subject',
  share: 0.16,
  trial(random) {
    const subject = subjectOf(random);
    return { input: Buffer.from(subject), run: () => check(subject) };
  },
};

function subjectOf(random: Random): string {
  const token = (usual: string): string => (random.chance(0.2) ? nastyText(random) : usual);
  const tokens = [
    token(NAMESPACE),
    token('decisions'),
    token(String(random.integer(random.pick([2, 100_000, 1_000_000])))),
    token(`p${random.integer(50_000)}`),
    token(random.pick(['ann', 'bob', '_sweeper'])),
  ];
  if (random.chance(0.1)) tokens.splice(random.integer(tokens.length), 1);
  if (random.chance(0.1)) tokens.push(nastyText(random));
  const subject = tokens.join('.');
  if (random.chance(0.6)) return subject;
  return Buffer.from(mutatedBytes(Buffer.from(subject), 1 + random.integer(2), random)).toString('utf8');
}

function check(subject: string): void {
  const address = parseDecisionSubject(NAMESPACE, subject);
  if (address === undefined) return;
  const { shard, pool, agent } = address;
  must(Number.isSafeInteger(shard) && shard >= 0, 'the shard is no number');
  must(NAME.test(pool) && NAME.test(agent), 'pool or agent is no name');
  must(SUBJECTS.shardDecision(shard, agent, pool) === subject, 'another subject would be written for it');
  must(parseDecisionSubject('other', subject) === undefined, 'it is of another namespace as well');
}
