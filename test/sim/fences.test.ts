/** The judge of fences (rule 1.2): what ends a stay holds at once, and is told in the end. */
import { expect, it } from 'vitest';
import { checkFences } from '../../verify/sim/checks/fences.ts';

interface Said {
  readonly agent: string;
  readonly pool?: string;
  readonly body: { readonly type: string } & Readonly<Record<string, unknown>>;
  readonly isAccepted?: boolean;
  /** Of the members of a Batch: which are accepted. */
  readonly members?: readonly boolean[];
  readonly events?: readonly (readonly [type: string, id: string, data?: object])[];
}

/** What the judge says of a shard in which this was decided, message by message. */
function judged(...log: readonly Said[]): string[] {
  const found: string[] = [];
  const answers = new Map<string, readonly string[]>();
  const events: string[] = [];
  const messages = log.map(
    ({ agent, pool = 'work', body, isAccepted = true, members, events: told = [] }, i) => {
      const seq = i + 1;
      const status = (accepted: boolean): string => (accepted ? 'accepted' : 'rejected');
      const data = members && { outcomes: members.map((accepted) => ({ status: status(accepted) })) };
      const outcome = { status: status(isAccepted), type: body.type, agent, pool, seq, at: seq, data };
      answers.set(`${pool}.${agent}.d${i}`, [JSON.stringify(outcome)]);
      for (const [n, [type, id, of = {}]] of told.entries()) {
        const [entity] = type.split('.');
        const event = {
          id: `0-${seq}-${n}`,
          type: `converge.${type}`,
          source: '/pools/work',
          subject: `${entity}/${id}`,
          data: of,
        };
        events.push(JSON.stringify(event));
      }
      return {
        seq,
        at: seq,
        subject: `ns.decisions.0.${pool}.${agent}`,
        data: Buffer.from(JSON.stringify(body)),
      };
    },
  );
  checkFences(0, messages, answers, events, (invariant, what) => found.push(`${invariant}: ${what}`));
  return found;
}

const JOIN: Said = { agent: 'ann', body: { type: 'JoinPool' }, events: [['member.joined', 'ann']] };
const SUBMIT: Said = {
  agent: 'bob',
  body: { type: 'SubmitTask' },
  events: [['task.submitted', 't', { submitter: 'bob' }]],
};
const CLAIM: Said = {
  agent: 'ann',
  body: { type: 'ClaimTask' },
  events: [['task.claimed', 't', { agent: 'ann', epoch: 1 }]],
};
const HELD = [JOIN, SUBMIT, CLAIM];
const ENDS: readonly (readonly [string, Said])[] = [
  ['left', { agent: 'ann', body: { type: 'LeavePool' } }],
  ['left', { agent: 'cyd', body: { type: 'LeavePool', onBehalfOf: 'ann' } }],
  ['removed', { agent: 'bob', body: { type: 'RemoveMember', agentId: 'ann' } }],
  ['banned', { agent: 'bob', body: { type: 'BanAgent', agentId: 'ann' } }],
  ['banned', { agent: '_operator', pool: '_shard', body: { type: 'BanAgent', agentId: 'ann' } }],
  [
    'removed',
    {
      agent: 'bob',
      body: { type: 'Batch', decisions: [{ type: 'Heartbeat' }, { type: 'RemoveMember', agentId: 'ann' }] },
      members: [false, true],
    },
  ],
];
const told = (why: string): Said => ({
  agent: '_sweeper',
  pool: '_shard',
  body: { type: 'Settle' },
  isAccepted: false,
  events: [
    ['member.left', 'ann'],
    ['task.released', 't', { agent: 'ann', epoch: 1, why }],
  ],
});

it.each(ENDS)('%s: finds nothing where it is told', (why, end) => {
  expect(judged(...HELD, end, told(why))).toEqual([]);
});

it.each(ENDS)('%s: finds what is never told', (why, end) => {
  expect(judged(...HELD, end)).toEqual([
    `I7: shard 0: ann is no member of work since message 4 (${why}), and that was never told`,
    `I7: shard 0: ann does not hold work/t since message 4 (${why}), and that was never told`,
  ]);
});

it.each(ENDS)('%s: leaves what had expired by then to the sweep, unless it was renewed', (why, end) => {
  const claim = (verb: string, expiresAt: number): Said => ({
    agent: 'ann',
    body: { type: 'X' },
    events: [[`task.${verb}`, 't', { agent: 'ann', epoch: 1, expiresAt }]],
  });
  const isGone: Said = { ...told(why), events: [['member.left', 'ann']] };
  expect(judged(JOIN, SUBMIT, claim('claimed', 4), end, isGone)).toEqual([]);
  const never = `ann does not hold work/t since message`;
  expect(judged(JOIN, SUBMIT, claim('claimed', 5), end, isGone)).toEqual([
    `I7: shard 0: ${never} 4 (${why}), and that was never told`,
  ]);
  expect(judged(JOIN, SUBMIT, claim('claimed', 4), claim('renewed', 9), end, isGone)).toEqual([
    `I7: shard 0: ${never} 5 (${why}), and that was never told`,
  ]);
});

it.each(ENDS)('%s: finds a word of the claim that is over', (why, end) => {
  for (const verb of ['renewed', 'completed', 'retried', 'cancelled']) {
    const late: Said = {
      agent: 'eve',
      body: { type: 'X' },
      events: [[`task.${verb}`, 't', { agent: 'ann', epoch: 1 }]],
    };
    expect(judged(...HELD, end, late, told(why))).toEqual([
      `I2: shard 0: 0-5-0 converge.task.${verb} work/t: ann had lost it with message 4 (${why})`,
    ]);
  }
});

it('finds a claim of who is no member any more, and none of who has come back', () => {
  const left: Said = { agent: 'ann', body: { type: 'LeavePool' } };
  const gone: Said = {
    agent: '_sweeper',
    body: { type: 'Settle' },
    isAccepted: false,
    events: [['member.left', 'ann']],
  };
  expect(judged(JOIN, SUBMIT, left, CLAIM, gone)).toEqual([
    'I2: shard 0: 0-4-0 converge.task.claimed work/t: ann is no member since message 3 (left)',
  ]);
  expect(judged(JOIN, SUBMIT, { ...left, events: [['member.left', 'ann']] }, JOIN, CLAIM)).toEqual([]);
});

it('finds that a claim goes back for another reason than the one that ended it', () => {
  const [, [, left]] = ENDS as typeof ENDS & { 1: readonly [string, Said] };
  expect(judged(...HELD, left, told('released'))).toEqual([
    'I2: shard 0: 0-5-1 converge.task.released work/t: ann had lost it with message 4 (left)',
  ]);
});

it('finds a decision of who is banned that is accepted, until the ban is lifted', () => {
  const ban: Said = { agent: '_operator', pool: '_shard', body: { type: 'BanAgent', agentId: 'bob' } };
  const unban: Said = { agent: '_operator', pool: '_shard', body: { type: 'UnbanAgent', agentId: 'bob' } };
  expect(judged(ban, SUBMIT)).toEqual([
    'I2: shard 0: message 2: SubmitTask of bob in work, where it is banned',
  ]);
  expect(judged(ban, { ...SUBMIT, isAccepted: false, events: [] }, unban, SUBMIT)).toEqual([]);
});

it('finds work that was to be cancelled and is not', () => {
  const ban: Said = {
    agent: '_operator',
    pool: '_shard',
    body: { type: 'BanAgent', agentId: 'bob', cancelWork: true },
  };
  expect(judged(SUBMIT, ban)).toEqual([
    'I7: shard 0: work/t of bob is cancelled since message 2 (banned), and that was never told',
  ]);
  const told: Said = {
    agent: '_sweeper',
    body: { type: 'Settle' },
    isAccepted: false,
    events: [['task.cancelled', 't', {}]],
  };
  expect(judged(SUBMIT, ban, told)).toEqual([]);
});
