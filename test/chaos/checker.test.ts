/** The checker on forged histories: every way in which one can be wrong is found, and what is right is left alone. */
import { describe, expect, it } from 'vitest';
import { formatSequence } from '../../src/protocol/event.ts';
import { judge } from '../../verify/chaos/checker/judge.ts';
import type { Entry, EntryOf } from '../../verify/chaos/history/entries.ts';
import { altered, changed, eventEntry, history, loggedEntry } from './forged-history.ts';

/** Rules that are broken, each once, as `class rule`. */
function broken(entries: readonly Entry[]): string[] {
  const { violations } = judge(entries);
  return [...new Set(violations.map((each) => `${each.class} ${each.rule}`))].sort();
}

const packed = (id: string, sequence: number): EntryOf<'pack'>['events'][number] => ({
  id,
  sequence: formatSequence(sequence),
  source: '/pools/p',
});

const eventsOf = (change: (event: Record<string, unknown>) => object | undefined): Entry[] =>
  changed('event', (entry) => {
    const event: Record<string, unknown> = JSON.parse(entry.text);
    const now = change(event);
    return now === undefined ? [] : [{ ...entry, text: JSON.stringify(now) }];
  });

describe('a history', () => {
  it('in which everything is right breaks no rule, and is not judged by nothing', () => {
    const verdict = judge(history());
    expect(verdict).toMatchObject({
      counts: { lost: 0, appliedTwice: 0, staleWrites: 0, staleEvents: 0 },
      violations: [],
      decisions: 7,
      events: 6,
      acknowledged: 7,
    });
  });

  it('with decisions sent again, outcomes told again and events published again is right as well', () => {
    const again = changed('logged', (entry) => [entry, { ...entry, seq: entry.seq + 100 }]);
    const told = changed('outcome', (entry) => [entry, { ...entry, via: 'query' }], again);
    const events = told.filter(({ t }) => t === 'event');
    const verdict = judge([...told, ...events]);
    expect(verdict.violations).toEqual([]);
    expect(verdict.repeatedEvents).toBe(6);
    expect(verdict.askedAgain).toBe(7);
  });

  it('tells members of an object in any order', () => {
    const reordered = changed('outcome', (entry) => {
      const members = Object.entries(JSON.parse(entry.text)).reverse();
      return [entry, { ...entry, text: JSON.stringify(Object.fromEntries(members)) }];
    });
    expect(broken(reordered)).toEqual([]);
  });
});

describe('lost', () => {
  it('is a decision in the log without an outcome', () => {
    const entries = changed('outcome', (entry) => (entry.id === 'd6' ? [] : [entry]));
    expect(broken(entries)).toEqual(['lost no_outcome']);
  });

  it('is a decision that was confirmed and is not in the log', () => {
    expect(broken([...history(), { t: 'ack', at: 1, pool: 'p', agent: 'ann', id: 'd9', seq: 9 }])).toEqual([
      'lost not_in_log',
    ]);
  });

  it('is a decision that was confirmed at a place where another stands', () => {
    const entries = changed('ack', (entry) => [entry.id === 'd6' ? { ...entry, seq: 2 } : entry]);
    expect(broken(entries)).toEqual(['lost not_in_log']);
  });

  it('is an event that an outcome names and nobody published', () => {
    expect(broken(eventsOf((event) => (event.causationid === 'd7' ? undefined : event)))).toEqual([
      'lost event_missing',
    ]);
  });

  it('is what was accepted without the effect that it promises', () => {
    const silent = changed('outcome', (entry) =>
      entry.id === 'd7' ? [{ ...entry, text: altered(entry.text, { events: [] }) }] : [entry],
    );
    const entries = changed('event', (entry) => (entry.id === '0-7-0' ? [] : [entry]), silent);
    expect(broken(entries)).toEqual(['lost accepted_without_effect']);
  });

  it('is what cannot be read as a decision and did not become a dead letter', () => {
    const entries: Entry[] = [...history(), loggedEntry(8, 'ann', '{')];
    expect(broken(entries)).toEqual(['lost no_dead_letter']);
    expect(broken([...entries, { t: 'deadletter', seq: 8 }])).toEqual([]);
  });

  it('is not what the log confirmed while it was a wrong one', () => {
    const entries: Entry[] = [
      ...history(),
      { t: 'wrong-log', at: 10, phase: 'begin' },
      { t: 'ack', at: 11, pool: 'p', agent: 'ann', id: 'd9', seq: 9 },
      { t: 'wrong-log', at: 12, phase: 'end' },
    ];
    expect(broken(entries)).toEqual([]);
  });
});

describe('applied twice', () => {
  it('is a decision with two outcomes', () => {
    const entries = changed('outcome', (entry) =>
      entry.id === 'd6'
        ? [entry, { ...entry, via: 'query', text: altered(entry.text, { status: 'accepted' }) }]
        : [entry],
    );
    expect(broken(entries)).toEqual(['appliedTwice outcome_changed']);
  });

  it('is a decision that was applied where it was sent again, and not where it first stood', () => {
    const again: Entry[] = [...history(), loggedEntry(8, 'bob', '{"id":"d6","type":"ReportTask"}')];
    expect(broken(again)).toEqual([]);
    const entries = changed(
      'outcome',
      (entry) => (entry.id === 'd6' ? [{ ...entry, text: altered(entry.text, { seq: 8 }) }] : [entry]),
      again,
    );
    expect(broken(entries)).toEqual(['appliedTwice wrong_place']);
  });

  it('is a decision with effects at two places', () => {
    const entries = changed('event', (entry) => {
      if (entry.id !== '0-7-0') return [entry];
      const more = {
        id: '0-8-0',
        sequence: '7'.padStart(16, '0'),
        type: 'converge.member.joined',
        subject: 'member/cat',
      };
      return [entry, eventEntry(7, JSON.parse(altered(entry.text, more)))];
    });
    expect(broken(entries)).toEqual(['appliedTwice two_places', 'staleEvents event_unowned']);
  });
});

describe('a stale write', () => {
  const withData = (id: string, data: object, fields: object = {}): Entry[] =>
    eventsOf((event) => (event.id === id ? { ...event, ...fields, data } : event));

  it('is a second claim while the first one lasts', () => {
    const entries = eventsOf((event) =>
      event.causationid === 's1' ? { ...event, type: 'converge.task.cancelling' } : event,
    );
    expect(broken(entries)).toEqual(['staleEvents malformed_event', 'staleWrites second_holder']);
  });

  it('is an epoch that does not rise', () => {
    const entries = withData('0-5-0', { agent: 'cat', epoch: 1, expiresAt: 1e15 });
    expect(broken(entries)).toContain('staleWrites epoch_not_rising');
  });

  it('is a report of somebody who does not hold the claim', () => {
    expect(broken(withData('0-7-0', { agent: 'bob', epoch: 2 }))).toEqual(['staleWrites not_the_holder']);
  });

  it('is a report of an epoch that is over', () => {
    expect(broken(withData('0-7-0', { agent: 'cat', epoch: 1 }))).toEqual(['staleWrites not_the_holder']);
  });

  it('is a report after the claim was over, though nobody had swept', () => {
    const entries = withData('0-5-0', { agent: 'cat', epoch: 2, expiresAt: 1_700_000_006_500 });
    expect(broken(entries)).toEqual(['staleWrites claim_over']);
  });

  it('is an expiry before its time', () => {
    const entries = withData('0-3-0', { agent: 'bob', epoch: 1, expiresAt: 1e15 });
    expect(broken(entries)).toEqual(['staleWrites expired_early']);
  });

  it('is anything after the end', () => {
    const entries = eventsOf((event) =>
      event.id === '0-3-0' ? { ...event, type: 'converge.task.cancelled', data: {} } : event,
    );
    expect(broken(entries)).toContain('staleWrites changed_after_final');
  });

  it('is a rejection with events', () => {
    const entries = changed('outcome', (entry) =>
      entry.id === 'd7' ? [{ ...entry, text: altered(entry.text, { status: 'rejected' }) }] : [entry],
    );
    expect(broken(entries)).toEqual(['staleWrites rejected_with_events']);
  });

  it('is what was decided at a time that had not come', () => {
    const heardAhead = (ms: number): Entry[] =>
      changed('outcome', (entry) =>
        entry.id === 'd6' ? [{ ...entry, text: altered(entry.text, { at: entry.at + ms }) }] : [entry],
      );
    expect(broken(heardAhead(10_000))).toEqual([]);
    expect(broken(heardAhead(3_600_000))).toEqual(['staleWrites time_ahead']);
  });

  it('is what was decided from a log that is not the one applied', () => {
    const sent = changed('sent', (entry) => [entry.id === 'd6' ? { ...entry, at: 11 } : entry]);
    const told = changed(
      'outcome',
      (entry) =>
        entry.id === 'd6' ? [{ ...entry, at: 12, text: altered(entry.text, { at: 12 }) }] : [entry],
      sent,
    );
    const entries: Entry[] = [
      { t: 'wrong-log', at: 10, phase: 'begin' },
      ...told,
      { t: 'wrong-log', at: 13, phase: 'end' },
    ];
    expect(broken(entries)).toEqual(['staleWrites applied_from_wrong_log']);
  });
});

describe('a stale event', () => {
  it('is one that leaves a gap before it', () => {
    const entries = eventsOf((event) =>
      event.id === '0-7-0' ? { ...event, sequence: '9'.padStart(16, '0') } : event,
    );
    expect(broken(entries)).toEqual(['staleEvents sequence_gap']);
  });

  it('is one that comes before those that caused it', () => {
    const entries = history();
    const events = entries.filter(({ t }) => t === 'event');
    const [first, second, ...others] = events;
    if (first === undefined || second === undefined) throw new Error('no events');
    const swapped = [...entries.filter(({ t }) => t !== 'event'), second, first, ...others];
    expect(broken(swapped)).toContain('staleEvents log_order');
    expect(broken(swapped)).toContain('staleEvents sequence_gap');
  });

  it('is one whose id has said something else before', () => {
    const entries = changed('event', (entry) =>
      entry.id === '0-7-0'
        ? [entry, { ...entry, seq: 99, text: altered(entry.text, { data: {} }) }]
        : [entry],
    );
    expect(broken(entries)).toEqual(['staleEvents event_changed']);
  });

  it('is one that no decision caused', () => {
    const entries = eventsOf((event) => (event.id === '0-7-0' ? { ...event, causationid: 'nobody' } : event));
    expect(broken(entries)).toContain('staleEvents event_unowned');
  });

  it('is one that its decision does not name', () => {
    const entries = changed('outcome', (entry) =>
      entry.id === 's1' ? [{ ...entry, text: altered(entry.text, { events: [] }) }] : [entry],
    );
    expect(broken(entries)).toEqual(['staleEvents event_unowned']);
  });

  it.each<[string, Partial<EntryOf<'pack'>>]>([
    ['nothing', {}],
    ['another id than those of its first and last event', { id: '0-7-0' }],
    ['another first number', { first: '0000000000000002' }],
    ['another last number', { last: '0000000000000003' }],
    ['another count', { count: '3' }],
    ['nothing in it', { events: [] }],
    ['another pool', { subject: 'ns.events.0.q' }],
    ['a number left out', { events: [packed('0-7-0', 1), packed('0-7-1', 3)], last: formatSequence(3) }],
  ])('comes in a pack that is what it says: %s', (what, changes) => {
    const pack: EntryOf<'pack'> = {
      ...{ t: 'pack', seq: 1, id: '0-7-0_0-7-1', subject: 'ns.events.0.p', count: '2' },
      ...{ first: formatSequence(1), last: formatSequence(2) },
      ...{ events: [packed('0-7-0', 1), packed('0-7-1', 2)] },
      ...changes,
    };
    const expected = what === 'nothing' ? [] : ['staleEvents malformed_pack'];
    expect(broken([...history(), pack])).toEqual(expected);
  });
});

describe('what the system settles in steps of its own', () => {
  const told = (causationid: string): Entry =>
    eventEntry(7, {
      specversion: '1.0',
      id: '0-8-0',
      type: 'converge.task.submitted',
      source: '/pools/p',
      subject: 'task/u',
      time: '2023-11-14T22:13:28.000Z',
      datacontenttype: 'application/json',
      sequence: '7'.padStart(16, '0'),
      causationid,
      actor: '_sweeper',
      data: {},
    });
  const settle = (agent: string): Entry =>
    loggedEntry(8, agent, JSON.stringify({ id: 'step', type: 'Settle' }));

  it('has its cause in the log, and no outcome', () => {
    expect(broken([...history(), settle('_sweeper'), told('step')])).toEqual([]);
  });

  it('is told again under the same id when its step stands in the log twice', () => {
    const again = loggedEntry(9, '_sweeper', JSON.stringify({ id: 'step', type: 'Settle' }));
    const next = changed(
      'event',
      (entry) => [
        {
          ...entry,
          seq: 8,
          text: altered(entry.text, { id: '0-9-0', sequence: '8'.padStart(16, '0'), subject: 'task/v' }),
          id: '0-9-0',
        },
      ],
      [told('step')],
    );
    expect(broken([...history(), settle('_sweeper'), told('step'), again, ...next])).toEqual([]);
  });

  it('names the decision from which it follows, which is in the log before it', () => {
    const of = (decisionId: string): Entry[] =>
      changed(
        'event',
        (entry) => [{ ...entry, text: altered(entry.text, { causationid: decisionId, actor: 'ann' }) }],
        [told('step')],
      );
    expect(broken([...history(), settle('_sweeper'), ...of('d1')])).toEqual([]);
    expect(broken([...history(), settle('_sweeper'), ...of('nobody')])).toEqual([
      'staleEvents event_unowned',
    ]);
  });

  it('is found out when another step is said to be its cause, or somebody else speaks for the system', () => {
    expect(broken([...history(), settle('_sweeper'), told('other')])).toEqual(['staleEvents event_unowned']);
    expect(broken([...history(), settle('mallory'), told('step')])).toContain('staleEvents event_unowned');
  });
});
