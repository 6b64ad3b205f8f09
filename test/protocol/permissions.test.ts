import { describe, expect, it } from 'vitest';
import type { Role } from '../../src/protocol/identity.ts';
import { accountOf, type Grantee, permissionsOf, sharedSubjects } from '../../src/protocol/permissions.ts';
import { MAX_LOG_STREAMS, subjects } from '../../src/protocol/subjects.ts';

/** As a NATS server matches: `*` is one token, `>` all that are left, of which there is one at least. */
function matches(pattern: string, subject: string): boolean {
  const tokens = pattern.split('.');
  const isOpen = tokens.at(-1) === '>';
  const wanted = isOpen ? tokens.slice(0, -1) : tokens;
  const there = subject.split('.');
  if (isOpen ? there.length <= wanted.length : there.length !== wanted.length) return false;
  return wanted.every((token, i) => token === '*' || token === there[i]);
}

const may = (grantee: Grantee, verb: 'publish' | 'subscribe', subject: string) =>
  permissionsOf(grantee, subjects('ns'))[verb].some((pattern) => matches(pattern, subject));

const ANN: Grantee = { role: 'agent', name: 'ann' };
const EYE: Grantee = { role: 'observer', name: 'eye' };
const OLGA: Grantee = { role: 'operator', name: 'olga' };
const WORKER: Grantee = { role: 'worker', name: 'w-1' };
const EVERYONE = [ANN, EYE, OLGA, WORKER];

/** Of all roles exactly these. */
const only = (verb: 'publish' | 'subscribe', subject: string) =>
  EVERYONE.filter((grantee) => may(grantee, verb, subject)).map(({ role }) => role);

describe('publishing', () => {
  it.each<[string, string, Role[]]>([
    ['decisions of ann', 'ns.decisions.3.work.ann', ['agent']],
    ['decisions of ann without a shard', 'ns.decide.work.ann', ['agent']],
    ['decisions of bob', 'ns.decisions.3.work.bob', []],
    ['decisions of bob without a shard', 'ns.decide.work.bob', []],
    ['decisions of olga', 'ns.decisions.3.work.olga', ['operator']],
    ['decisions of the operators', 'ns.decisions.3.work._operator', ['operator']],
    ['decisions of the operators without a shard', 'ns.decide.work._operator', ['operator']],
    ['sweeps', 'ns.decisions.3._shard._sweeper', ['worker']],
    ['what a sweeper has no business to decide', 'ns.decisions.3.work._sweeper', []],
    ['questions without a name', 'ns.queries.task', ['agent', 'observer', 'operator']],
    ['questions of ann', 'ns.queries.task.ann', ['agent']],
    ['questions of bob', 'ns.queries.task.bob', []],
    ['questions of observers', 'ns.queries.task._observer', ['observer']],
    ['questions of operators', 'ns.queries.task._operator', ['operator']],
    ['outcomes', 'ns.results.ann.d-1', ['worker']],
    ['events', 'ns.events.3.work', ['worker']],
    ['dead letters', 'ns.deadletters.3', ['worker']],
    ['what sweeps found', 'ns.sweeps', ['worker']],
    ['answers to agents', '_R_.x.y', ['worker']],
    ['answers to operators', '_INBOX._operator.olga.x', ['worker']],
    ['discovery of services', '$SRV.PING', ['operator']],
    ['discovery of ours', '$SRV.STATS.converge', ['operator']],
    ['discovery of one instance', '$SRV.INFO.converge.x', ['operator']],
    ['that a reader of events keeps up', '$JS.FC.NS_EVENTS2.x', ['agent', 'observer', 'operator']],
    ['that a reader of snapshots keeps up', '$JS.FC.OBJ_NS_SNAPSHOTS.x', ['operator', 'worker']],
    ['what the account has', '$JS.API.INFO', ['operator', 'worker']],
  ])('%s', (_, subject, roles) => {
    expect(only('publish', subject)).toEqual(roles);
  });

  it.each(['NS_DECISIONS', 'NS_EVENTS2', 'NS_DEADLETTERS', 'NS_MARKS', 'OBJ_NS_SNAPSHOTS'])(
    'operators and workers read %s; only workers make it, and nobody deletes it',
    (stream) => {
      for (const read of [
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.STREAM.MSG.GET.${stream}`,
        `$JS.API.DIRECT.GET.${stream}`,
        `$JS.API.DIRECT.GET.${stream}.ns.events.x`,
        `$JS.API.CONSUMER.CREATE.${stream}`,
        `$JS.API.CONSUMER.CREATE.${stream}.c.ns.x`,
        `$JS.API.CONSUMER.INFO.${stream}.c`,
        `$JS.API.CONSUMER.DELETE.${stream}.c`,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.c`,
      ])
        expect(only('publish', read), read).toEqual(['operator', 'worker']);
      expect(only('publish', `$JS.API.STREAM.CREATE.${stream}`)).toEqual(['worker']);
      expect(only('publish', `$JS.API.STREAM.UPDATE.${stream}`)).toEqual(['worker']);
      expect(only('publish', `$JS.API.STREAM.DELETE.${stream}`)).toEqual([]);
      expect(only('publish', `$JS.API.STREAM.MSG.DELETE.${stream}`)).toEqual([]);
    },
  );

  it('workers trim the log and the snapshots, and nothing else is ever purged', () => {
    expect(only('publish', '$JS.API.STREAM.PURGE.NS_DECISIONS')).toEqual(['worker']);
    expect(only('publish', '$JS.API.STREAM.PURGE.OBJ_NS_SNAPSHOTS')).toEqual(['worker']);
    expect(only('publish', '$JS.API.STREAM.PURGE.NS_EVENTS2')).toEqual([]);
    expect(only('publish', '$JS.API.STREAM.PURGE.NS_DEADLETTERS')).toEqual([]);
    expect(only('publish', '$JS.API.STREAM.PURGE.NS_MARKS')).toEqual([]);
  });

  it('workers write down what they trim, and nobody else does', () => {
    expect(only('publish', 'ns.marks.3')).toEqual(['worker']);
    expect(only('subscribe', 'ns.marks.3')).toEqual([]);
  });

  it('workers write snapshots, and see who reads the events', () => {
    expect(only('publish', '$O.NS_SNAPSHOTS.C.x')).toEqual(['worker']);
    expect(only('publish', '$O.NS_SNAPSHOTS.M.x')).toEqual(['worker']);
    expect(only('publish', '$JS.API.CONSUMER.LIST.NS_EVENTS2')).toEqual(['worker']);
    expect(only('publish', '$JS.API.CONSUMER.LIST.NS_DECISIONS')).toEqual([]);
  });
});

describe('subscribing', () => {
  it.each<[string, string, Role[]]>([
    ['outcomes of ann', 'ns.results.ann.d-1', ['agent', 'observer', 'operator']],
    ['outcomes of bob', 'ns.results.bob.d-1', ['observer', 'operator']],
    ['outcomes of sweeps', 'ns.results._sweeper.d-1', ['observer', 'operator', 'worker']],
    ['events of commons', 'ns.events.3.commons', ['agent', 'observer', 'operator']],
    ['events of other pools', 'ns.events.3.work', ['observer', 'operator']],
    ['what sweeps found', 'ns.sweeps', ['observer', 'operator']],
    ['dead letters', 'ns.deadletters.3', ['operator']],
    ['the feed of ann', 'ns.feeds.ann.x', ['agent']],
    ['the feed of bob', 'ns.feeds.bob.x', []],
    ['feeds of observers', 'ns.feeds._observer.x', ['observer']],
    ['feeds of operators', 'ns.feeds._operator.x', ['operator']],
    ['inboxes of ann', '_INBOX.ann.x', ['agent']],
    ['inboxes of bob', '_INBOX.bob.x', []],
    ['inboxes of an observer', '_INBOX._observer.eye.x', ['observer']],
    ['inboxes of an operator', '_INBOX._operator.olga.x', ['operator']],
    ['inboxes of a worker', '_INBOX._worker.w-1.x', ['worker']],
    ['questions', 'ns.queries.task.ann', ['worker']],
    ['discovery of services', '$SRV.PING', ['worker']],
    ['discovery of ours', '$SRV.PING.converge', ['worker']],
    ['discovery of one instance', '$SRV.PING.converge.x', ['worker']],
    ['decisions', 'ns.decisions.3.work.ann', []],
  ])('%s', (_, subject, roles) => {
    expect(only('subscribe', subject)).toEqual(roles);
  });

  it('an agent to nothing but what is its own, and the events of commons', () => {
    expect(permissionsOf(ANN, subjects('ns')).subscribe).toEqual([
      'ns.results.ann.*',
      'ns.feeds.ann.*',
      'ns.events.*.commons',
      '_INBOX.ann.>',
    ]);
  });

  it('an agent also to the events of the pools that it is granted, each once', () => {
    const granted: Grantee = { ...ANN, events: ['work', 'commons', 'work'] };
    expect(may(granted, 'subscribe', 'ns.events.3.work')).toBe(true);
    expect(may(granted, 'subscribe', 'ns.events.3.other')).toBe(false);
    const { subscribe } = permissionsOf(granted, subjects('ns'));
    expect(new Set(subscribe).size).toBe(subscribe.length);
  });
});

describe('accounts', () => {
  it('workers and operators are in the one with the streams, all others in the one without', () => {
    expect(EVERYONE.map((identity) => [identity.role, accountOf(identity)])).toEqual([
      ['agent', 'CONVERGE_AGENTS'],
      ['observer', 'CONVERGE_AGENTS'],
      ['operator', 'CONVERGE'],
      ['worker', 'CONVERGE'],
    ]);
  });

  it('what agents and observers may do across the border is shared, and nothing of the streams', () => {
    const { services, streams } = sharedSubjects(subjects('ns'));
    const isShared = (list: readonly string[], subject: string) =>
      list.some((pattern) => matches(pattern, subject));
    for (const subject of ['ns.decisions.3.work.ann', 'ns.queries.task', '$JS.FC.NS_EVENTS2.x'])
      expect(isShared(services, subject), subject).toBe(true);
    for (const subject of ['ns.results.ann.d-1', 'ns.feeds.ann.x', 'ns.events.3.work', 'ns.sweeps'])
      expect(isShared(streams, subject), subject).toBe(true);
    for (const subject of [
      '$JS.API.INFO',
      '$JS.API.STREAM.PURGE.NS_DECISIONS',
      'ns.deadletters.3',
      '$SRV.PING',
    ])
      expect(isShared([...services, ...streams], subject), subject).toBe(false);
  });
});

describe('H62: with as many streams of the log as there may be', () => {
  const names = subjects('ns', MAX_LOG_STREAMS);

  it('workers and operators may read each, and workers make each and trim the log', () => {
    const workers = permissionsOf({ role: 'worker', name: 'w-1' }, names).publish;
    const operators = permissionsOf({ role: 'operator', name: 'olga' }, names).publish;
    for (let index = 0; index < MAX_LOG_STREAMS; index++) {
      for (const stream of [names.logOf(index), names.eventsStreamOf(index)]) {
        expect(workers).toContain(`$JS.API.STREAM.INFO.${stream}`);
        expect(workers).toContain(`$JS.API.STREAM.CREATE.${stream}`);
        expect(operators).toContain(`$JS.API.STREAM.INFO.${stream}`);
        expect(operators).not.toContain(`$JS.API.STREAM.CREATE.${stream}`);
      }
      expect(workers).toContain(`$JS.API.STREAM.PURGE.${names.logOf(index)}`);
      expect(workers).toContain(`$JS.API.CONSUMER.LIST.${names.eventsStreamOf(index)}`);
      const { publish } = permissionsOf({ role: 'agent', name: 'ann' }, names);
      expect(publish).toContain(`$JS.FC.${names.eventsStreamOf(index)}.>`);
      expect(sharedSubjects(names).services).toContain(`$JS.FC.${names.eventsStreamOf(index)}.>`);
    }
  });

  it('the permissions fit into the line with which a client connects (max_control_line: 16KB)', () => {
    const roles = ['worker', 'operator', 'agent', 'observer'] as const;
    const longest = subjects('converge', MAX_LOG_STREAMS);
    for (const role of roles) {
      const granted = JSON.stringify(permissionsOf({ role, name: 'x'.repeat(64) }, longest));
      // In a JWT it is base64, with a kilobyte of what else a JWT and the line hold.
      expect((granted.length * 4) / 3 + 1_024).toBeLessThan(16 * 1_024);
    }
  });
});
