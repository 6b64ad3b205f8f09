/**
 * RELIABILITY 1.5: what follows from a decision names it (`causationid`, `actor`, `principal`), however much of that is told with it
 * and whichever message tells the rest; so an event names the same decision whatever the bound of consequences. And whatever that
 * is, once all is settled there are the same documents: of marks, and of dependents, auctions and cancelled work as well.
 */
import { describe, expect, it } from 'vitest';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { type Body, START } from '../message.ts';
import { type LogEntry, Shard } from '../properties/shard.ts';

const POOL = 'work';

interface Said {
  readonly agent: string;
  readonly pool?: string;
  readonly at?: number;
  readonly body: object;
}

const say = (agent: string, body: object, more: Partial<Said> = {}): Said => ({ agent, body, ...more });
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const submit = (taskId: string, fields: object = {}): Said =>
  say('ann', { type: 'SubmitTask', taskId, objective: '', ...fields });
const joins = (...agents: readonly string[]): Said[] =>
  agents.map((agent) => say(agent, { type: 'JoinPool' }));
const claimAll = (agent: string, count = 4): Said[] => [
  ...names('t', count).map((id) => submit(id)),
  say(agent, { type: 'ClaimNextTask', limit: count }),
];
/** What comes about by `cause`: the last thing said, with this id. */
const causes = (agent: string, body: object, more: Partial<Said> = {}): Said =>
  say(agent, { id: 'cause', ...body }, more);

interface Played {
  readonly told: readonly string[];
  /** Once nothing is owed any more; without places in the log, which are those of the messages that told. */
  readonly documents: readonly unknown[];
}

const PLACES: ReadonlySet<string> = new Set(['order', 'place']);

function play(all: readonly Said[], consequencesAtOnce: number, reload = false): Played {
  const shard = new Shard();
  const told: string[] = [];
  const apply = (entry: LogEntry): void => {
    const { applied, events } = shard.apply(entry);
    if (applied.status === 'rejected') throw new Error(`${entry.body.type}: ${applied.message}`);
    for (const { event, sequence, because, principal } of events) {
      if (sequence === undefined) continue;
      const by = `${because?.cause ?? entry.body.id} of ${because?.actor ?? entry.agent}`;
      told.push(`${event.type} ${event.id} by ${by}${principal === undefined ? '' : ` for ${principal}`}`);
    }
    shard.commit();
    if (reload) shard.world = shard.loaded();
  };
  const system = (id: string, body: Body): LogEntry => ({
    agent: SWEEPER,
    pool: SHARD_POOL,
    at: shard.now,
    body: { ...body, id },
  });
  apply({
    ...system('first', { type: 'Sweep', settings: { consequencesAtOnce } }),
    at: START,
  });
  for (const [i, { agent, pool = POOL, at = START, body }] of all.entries()) {
    apply({ agent, pool, at, body: { id: `d-${i}`, ...body } as LogEntry['body'] });
  }
  for (let i = 0; shard.world.owingPools > 0; i++) apply(system(`settle-${i}`, { type: 'Settle' }));
  const documents = [...shard.store.documents]
    .map(([key, json]) => [key, JSON.parse(json, (name, value) => (PLACES.has(name) ? undefined : value))])
    .sort();
  return { told: told.sort(), documents };
}

const CREATE = say('owner', { type: 'CreatePool' });
const delegate = (from: string, to: string, id: string, fields: object = {}): Said =>
  say(from, {
    id,
    type: 'Delegate',
    delegateeId: to,
    scope: ['delegations', 'tasks', 'LeavePool', 'auctions'],
    ...fields,
  });
const auctioned = (...bidders: readonly string[]): Said[] => [
  submit('sold'),
  say('ann', {
    type: 'OpenAuction',
    auctionId: 'a',
    kind: 'first_price_sealed',
    taskId: 'sold',
    closesAt: START + 10,
  }),
  ...bidders.map((agent, i) => say(agent, { type: 'SubmitBid', auctionId: 'a', amount: String(10 - i) })),
  say('ann', { type: 'SubmitTask', taskId: 'behind', objective: '', dependsOn: ['sold'] }),
];
const close = say(SWEEPER, { type: 'Sweep' }, { pool: SHARD_POOL, at: START + 10 });

/** Each with how many events name `cause`. */
const STORIES: Readonly<Record<string, { readonly log: readonly Said[]; readonly events: number }>> = {
  'leaving a pool': {
    log: [CREATE, ...joins('bob'), ...claimAll('bob'), causes('bob', { type: 'LeavePool' })],
    events: 5,
  },
  'removal from a pool': {
    log: [
      CREATE,
      ...joins('bob'),
      ...claimAll('bob'),
      causes('owner', { type: 'RemoveMember', agentId: 'bob' }),
    ],
    events: 5,
  },
  'a ban': {
    log: [CREATE, ...joins('bob'), ...claimAll('bob'), causes('owner', { type: 'BanAgent', agentId: 'bob' })],
    events: 6,
  },
  'a ban from everywhere': {
    log: [
      CREATE,
      ...joins('bob'),
      ...claimAll('bob'),
      causes(OPERATOR, { type: 'BanAgent', agentId: 'bob' }, { pool: SHARD_POOL }),
    ],
    events: 6,
  },
  'a ban with all work': {
    log: [
      CREATE,
      ...joins('bob'),
      ...names('t', 3).map((taskId) => say('bob', { type: 'SubmitTask', taskId, objective: '' })),
      submit('behind', { dependsOn: ['t1'] }),
      say('bob', {
        type: 'OpenAuction',
        auctionId: 'a',
        kind: 'english',
        taskId: 't2',
        closesAt: START + 10,
      }),
      causes('owner', { type: 'BanAgent', agentId: 'bob', cancelWork: true }),
    ],
    events: 7,
  },
  'the end of a task with dependents that have some themselves': {
    log: [
      CREATE,
      submit('root'),
      ...names('t', 4).map((id) => submit(id, { dependsOn: ['root'] })),
      ...names('u', 4).map((id, i) => submit(id, { dependsOn: [`t${i}`] })),
      causes('ann', { type: 'CancelTask', taskId: 'root' }),
    ],
    events: 9,
  },
  'completing what two decisions end': {
    log: [
      CREATE,
      ...joins('bob'),
      submit('one'),
      submit('two'),
      ...names('t', 3).map((id) => submit(id, { dependsOn: ['one', 'two'] })),
      say('bob', { type: 'ClaimNextTask', limit: 2 }),
      say('bob', { type: 'ReportTask', taskId: 'one', result: 1 }),
      causes('bob', { type: 'ReportTask', taskId: 'two', result: 1 }),
    ],
    events: 4,
  },
  'the end of a pool': {
    log: [CREATE, ...names('t', 5).map((id) => submit(id)), causes('owner', { type: 'ClosePool' })],
    events: 6,
  },
  'giving back a task of a closed pool': {
    log: [
      CREATE,
      ...joins('bob'),
      submit('t0'),
      say('bob', { type: 'ClaimTask', taskId: 't0' }),
      ...names('u', 3).map((id) => submit(id)),
      say('owner', { type: 'ClosePool' }),
      causes('bob', { type: 'ReleaseTask', taskId: 't0' }),
    ],
    events: 2,
  },
  'revoking what others rest on': {
    log: [
      CREATE,
      ...joins('ann', 'bob', 'cyd', 'dan'),
      delegate('ann', 'bob', 'root'),
      delegate('bob', 'cyd', 'below', { onBehalfOf: 'ann' }),
      delegate('cyd', 'dan', 'last', { onBehalfOf: 'ann', scope: ['tasks'] }),
      delegate('bob', 'dan', 'beside', { onBehalfOf: 'ann', scope: ['tasks'] }),
      causes('ann', { type: 'RevokeDelegation', delegationId: 'root' }),
    ],
    events: 4,
  },
  'the winner of an auction gives its task back': {
    log: [
      CREATE,
      ...joins('bob', 'cyd'),
      ...auctioned('bob', 'cyd'),
      close,
      causes('bob', { type: 'ReleaseTask', taskId: 'sold' }, { at: START + 20 }),
    ],
    events: 3,
  },
  'the winner of an auction leaves': {
    log: [
      CREATE,
      ...joins('bob', 'cyd'),
      ...auctioned('bob', 'cyd'),
      close,
      causes('bob', { type: 'LeavePool' }, { at: START + 20 }),
    ],
    events: 4,
  },
  'a pause in which the winner gave its task back is over': {
    log: [
      CREATE,
      ...joins('bob', 'cyd'),
      ...auctioned('bob', 'cyd'),
      close,
      say('owner', { type: 'PausePool' }, { at: START + 15 }),
      say('bob', { type: 'ReleaseTask', taskId: 'sold' }, { at: START + 20 }),
      causes('owner', { type: 'ResumePool' }, { at: START + 30 }),
    ],
    events: 3,
  },
  'the task of an open auction is cancelled': {
    log: [
      CREATE,
      ...joins('bob'),
      ...auctioned('bob'),
      causes('ann', { type: 'CancelTask', taskId: 'sold' }),
    ],
    events: 3,
  },
  'a delegate acts for another': {
    log: [
      CREATE,
      ...joins('ann', 'bob'),
      delegate('ann', 'bob', 'root'),
      submit('root'),
      ...names('t', 3).map((id) => submit(id, { dependsOn: ['root'] })),
      causes('bob', { type: 'CancelTask', taskId: 'root', onBehalfOf: 'ann' }),
    ],
    events: 4,
  },
};

describe.each(Object.entries(STORIES))('%s', (_, { log, events }) => {
  const whole = play(log, 1_000);

  it('is the cause of all that follows', () => {
    expect(whole.told.filter((event) => event.includes(' by cause of'))).toHaveLength(events);
    const actor = log.at(-1)?.agent;
    for (const event of whole.told)
      if (event.includes('by cause')) expect(event).toContain(`cause of ${actor}`);
  });

  it.each([1, 2, 7, 200])(
    'with %i at once it comes to the same, and is told of the same, after loading, too',
    (atOnce) => {
      expect(play(log, atOnce)).toEqual(whole);
      expect(play(log, atOnce, true)).toEqual(whole);
    },
  );
});

it('what a fence has ended names who set it, also when another decision tells it first', () => {
  const log = [
    CREATE,
    ...joins('bob', 'cyd'),
    ...claimAll('bob'),
    causes('bob', { type: 'LeavePool' }),
    say('cyd', { type: 'ClaimTask', taskId: 't3' }),
  ];
  for (const atOnce of [1, 1_000])
    expect(play(log, atOnce).told).toContain('task.released t3 by cause of bob');
});
