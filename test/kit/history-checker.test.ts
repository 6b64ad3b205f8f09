import { describe, expect, it } from 'vitest';
import { formatSequence } from '../../src/protocol/event.ts';
import { type CheckReport, HistoryChecker } from '../../verify/kit/history/history-checker.ts';
import { RULES, type Rule } from '../../verify/kit/history/violation.ts';
import { History, TTL_MS } from './told-history.ts';

function check(history: History): CheckReport {
  const checker = new HistoryChecker();
  history.tellTo(checker);
  return checker.report();
}

/** Everything that the rules allow. */
function cleanHistory(): History {
  const history = new History()
    .decision('sam', 'CreatePool', [{ type: 'pool.created', id: 'p', data: { owner: 'sam' } }])
    .decision('ann', 'JoinPool', [{ type: 'member.joined', id: 'ann', data: { capabilities: [] } }])
    .submit('t-1')
    .submit('t-2', ['t-1'])
    .submit('t-3')
    .submit('t-4')
    .claim('ann', 't-1', 1)
    .renew('ann', 't-1', 1);
  // The report of the first frees the second.
  history.decision('ann', 'ReportTask', [
    { type: 'task.completed', id: 't-1', data: { agent: 'ann', epoch: 1, result: 1 } },
    { type: 'task.unblocked', id: 't-2', data: { state: 'pending' } },
  ]);
  history
    .claim('ann', 't-2', 1)
    .fail('ann', 't-2', 1, true)
    .claim('bob', 't-2', 2)
    .fail('bob', 't-2', 2, false);
  history.claim('bob', 't-3', 1).cancel('t-3', { agent: 'bob', epoch: 1 }).reject('bob', 'ReportTask');
  history.claim('bob', 't-4', 1).wait(TTL_MS);
  history.sweep({ type: 'task.expired', id: 't-4', data: { agent: 'bob', epoch: 1, expiries: 1 } });
  return history.reject('bob', 'ReportTask').claim('ann', 't-4', 2).report('ann', 't-4', 2);
}

describe('a history as it should be', () => {
  it('is found to be one', () => {
    expect(check(cleanHistory())).toEqual({
      violations: [],
      decisions: 21,
      events: 20,
      completed: 2,
      failed: 1,
      cancelled: 1,
      unfinished: 0,
      claims: 6,
      claimsExpired: 1,
      retries: 1,
      sweeps: 1,
    });
  });

  it('may be told in part more than once', () => {
    const history = cleanHistory().repeatLast('event').repeatLast('outcome');
    expect(check(history)).toEqual(check(cleanHistory()));
  });

  it('may award an auction again, change a ballot that may be changed, and give back a claim late for one who left', () => {
    const history = new History()
      .join('ann')
      .openVote('v')
      .cast('ann', 'v')
      .cast('ann', 'v')
      .decision('sam', 'OpenAuction', [{ type: 'auction.opened', id: 'a' }])
      .decision('sam', 'CloseAuction', [{ type: 'auction.awarded', id: 'a' }])
      .sweep({ type: 'auction.awarded', id: 'a' })
      .submit('t')
      .claim('ann', 't', 1)
      .wait(TTL_MS);
    history.sweep(
      { type: 'task.released', id: 't', data: { agent: 'ann', epoch: 1, why: 'absent' } },
      { type: 'member.expired', id: 'ann' },
    );
    expect(check(history).violations).toEqual([]);
  });

  it('may claim what depends on a completed task that was removed since', () => {
    const history = new History()
      .submit('t-1')
      .submit('t-2', ['t-1'])
      .claim('ann', 't-1', 1)
      .report('ann', 't-1', 1);
    history.sweep(
      { type: 'task.unblocked', id: 't-2', data: { state: 'pending' } },
      { type: 'task.removed', id: 't-1' },
    );
    expect(check(history.claim('ann', 't-2', 1)).violations).toEqual([]);
  });

  it('may have Batches', () => {
    const history = new History().submit('t-1').decision(
      'ann',
      'Batch',
      [
        {
          type: 'task.claimed',
          id: 't-1',
          data: { agent: 'ann', epoch: 1, expiresAt: Number.MAX_SAFE_INTEGER },
        },
        { type: 'task.completed', id: 't-1', data: { agent: 'ann', epoch: 1, result: 1 } },
      ],
      {
        data: {
          outcomes: [
            { type: 'ClaimTask', status: 'accepted', data: { taskId: 't-1', claim: { epoch: 1 } } },
            { type: 'ReportTask', status: 'accepted' },
            { type: 'ReportTask', status: 'rejected', code: 'already_final' },
          ],
        },
      },
    );
    expect(check(history).violations).toEqual([]);
  });
});

/** For each rule, histories that break it and nothing else that they do not have to. */
const PLANTED: Readonly<Record<Rule, readonly (() => History)[]>> = {
  malformed_event: [
    () => new History().submit('t').changeLastEvent((event) => ({ ...event, id: 'no-place' })),
    () => new History().submit('t').changeLastEvent((event) => ({ ...event, sequence: '1' })),
    () => new History().submit('t').decision('ann', 'Heartbeat', [{ type: 'task.invented', id: 't' }]),
  ],
  event_changed: [
    () =>
      new History()
        .submit('t')
        .repeatLast('event')
        .changeLastEvent((event) => ({ ...event, data: { ...event.data, objective: 'another' } })),
  ],
  sequence_gap: [() => new History().submit('t-1').submit('t-2').dropLastEvent().submit('t-3')],
  sequence_repeated: [
    () =>
      new History()
        .submit('t-1')
        .submit('t-2')
        .changeLastEvent((event) => ({ ...event, sequence: formatSequence(1) })),
  ],
  log_order: [
    () => {
      const history = new History().submit('t-1').submit('t-2');
      const [first, second] = history.told.flatMap(({ event }) => event ?? []);
      if (first === undefined || second === undefined) throw new Error('two events');
      const swapped = [
        { ...second, sequence: first.sequence },
        { ...first, sequence: second.sequence },
      ];
      history.told.splice(0, history.told.length, ...swapped.map((event) => ({ event })));
      return history;
    },
    () => new History().submit('t-1').wait(-10).submit('t-2'),
  ],
  unknown_pool: [
    () => new History().submit('t').changeLastEvent((event) => ({ ...event, source: '/pools/nowhere' })),
  ],
  membership: [
    () => new History().join('ann').join('ann'),
    () => new History().decision('ann', 'LeavePool', [{ type: 'member.left', id: 'ann' }]),
    () => new History().decision('ann', 'JoinPool', [{ type: 'member.updated', id: 'ann' }]),
  ],
  claimed_while_paused: [
    () =>
      new History()
        .submit('t')
        .decision('sam', 'PausePool', [{ type: 'pool.paused', id: 'commons' }])
        .claim('ann', 't', 1),
  ],
  over_at_once: [
    () =>
      new History()
        .submit('t')
        .decision('ann', 'ClaimTask', [
          { type: 'task.claimed', id: 't', data: { agent: 'ann', epoch: 1, expiresAt: 1 } },
        ]),
  ],
  opened_twice: [() => new History().openVote('v').openVote('v')],
  unknown_entity: [() => new History().cast('ann', 'v')],
  changed_after_end: [
    () =>
      new History()
        .openVote('v')
        .decision('sam', 'CloseVote', [{ type: 'vote.closed', id: 'v' }])
        .cast('ann', 'v'),
    () =>
      new History()
        .decision('sam', 'OpenAuction', [{ type: 'auction.opened', id: 'a' }])
        .decision('sam', 'CloseAuction', [{ type: 'auction.awarded', id: 'a' }])
        .decision('ann', 'SubmitBid', [{ type: 'auction.bid_placed', id: 'a' }]),
  ],
  voted_twice: [() => new History().openVote('v', false).cast('ann', 'v').cast('ann', 'v')],
  submitted_twice: [() => new History().submit('t').submit('t')],
  unknown_task: [() => new History().cancel('t')],
  not_pending: [
    () => new History().submit('t-1').submit('t-2', ['t-1']).claim('ann', 't-2', 1),
    () =>
      new History()
        .submit('t')
        .claim('ann', 't', 1)
        .decision('ann', 'FailTask', [
          {
            type: 'task.retried',
            id: 't',
            data: { agent: 'ann', epoch: 1, readyAt: Number.MAX_SAFE_INTEGER },
          },
        ])
        .claim('ann', 't', 2),
  ],
  second_holder: [() => new History().submit('t').claim('ann', 't', 1).claim('bob', 't', 2)],
  epoch_not_rising: [
    () => new History().submit('t').claim('ann', 't', 1).fail('ann', 't', 1, true).claim('bob', 't', 1),
  ],
  not_the_holder: [
    () => new History().submit('t').claim('ann', 't', 1).report('bob', 't', 1),
    () => new History().submit('t').claim('ann', 't', 2).report('ann', 't', 1),
    () => new History().submit('t').report('ann', 't', 1),
    () => new History().submit('t').claim('ann', 't', 1).cancel('t'),
    () => new History().submit('t').claim('ann', 't', 1).cancel('t', { agent: 'bob', epoch: 1 }),
    () =>
      new History()
        .submit('t')
        .claim('ann', 't', 1)
        .decision('bob', 'ReportTask', [
          { type: 'task.completed', id: 't', data: { agent: 'ann', epoch: 1 } },
        ]),
  ],
  claim_over: [
    () => new History().submit('t').claim('ann', 't', 1).wait(TTL_MS).report('ann', 't', 1),
    () => new History().submit('t').claim('ann', 't', 1).wait(TTL_MS).renew('ann', 't', 1),
    () =>
      new History()
        .submit('t')
        .claim('ann', 't', 1)
        .wait(TTL_MS)
        .decision('ann', 'ReleaseTask', [
          { type: 'task.released', id: 't', data: { agent: 'ann', epoch: 1, why: 'released' } },
        ]),
  ],
  expired_early: [
    () =>
      new History()
        .submit('t')
        .claim('ann', 't', 1)
        .sweep({ type: 'task.expired', id: 't', data: { agent: 'ann', epoch: 1, expiries: 1 } }),
  ],
  dependency_unfinished: [
    () =>
      new History()
        .submit('t-1')
        .submit('t-2', ['t-1'])
        .sweep({ type: 'task.unblocked', id: 't-2', data: { state: 'pending' } })
        .claim('ann', 't-2', 1),
  ],
  changed_after_final: [
    () => new History().submit('t').claim('ann', 't', 1).report('ann', 't', 1).report('ann', 't', 1),
    () => new History().submit('t').cancel('t').claim('ann', 't', 1),
    () => new History().submit('t').claim('ann', 't', 1).report('ann', 't', 1).cancel('t'),
  ],
  removed_unfinished: [
    () => new History().submit('t').sweep({ type: 'task.removed', id: 't' }),
    () => new History().openVote('v').sweep({ type: 'vote.removed', id: 'v' }),
  ],
  outcome_changed: [
    () =>
      new History()
        .submit('t')
        .repeatLast('outcome')
        .changeLastOutcome((outcome) => ({
          ...outcome,
          status: 'rejected',
          code: 'task_exists',
          events: [],
        })),
  ],
  two_places: [
    () =>
      new History()
        .submit('t-1')
        .submit('t-2')
        .changeLastEvent((event) => ({ ...event, causationid: 'd-1' })),
  ],
  place_taken: [
    () =>
      new History()
        .submit('t')
        .reject('ann', 'ReportTask')
        .changeLastOutcome((outcome) => ({ ...outcome, seq: outcome.seq - 1 })),
  ],
  rejected_with_events: [
    () =>
      new History()
        .submit('t')
        .changeLastOutcome((outcome) => ({ ...outcome, status: 'rejected', code: 'task_exists' })),
  ],
  accepted_without_effect: [
    () => new History().submit('t').claim('ann', 't', 1).decision('ann', 'ReportTask', []),
    () =>
      new History().decision('ann', 'ClaimNextTask', [], {
        data: { tasks: [{ taskId: 't', claim: { epoch: 1 } }] },
      }),
    () =>
      new History()
        .submit('t')
        .claim('ann', 't', 1)
        .changeLastOutcome((outcome) => ({ ...outcome, data: { taskId: 't', claim: { epoch: 2 } } })),
    () =>
      new History().decision('ann', 'Batch', [], {
        data: { outcomes: [{ type: 'SubmitTask', status: 'accepted' }] },
      }),
  ],
  event_missing: [() => new History().submit('t').dropLastEvent()],
  event_unowned: [
    () => new History().submit('t').dropLastOutcome(),
    () => new History().submit('t').changeLastOutcome((outcome) => ({ ...outcome, at: outcome.at + 1 })),
    () => new History().submit('t').changeLastEvent((event) => ({ ...event, actor: 'bob' })),
    () =>
      new History()
        .sweep({ type: 'member.expired', id: 'ann' })
        .changeLastOutcome((outcome) => ({ ...outcome, events: [] })),
  ],
};

describe('a planted violation is found', () => {
  const cases = Object.entries(PLANTED).flatMap(([rule, histories]) =>
    histories.map((history, i) => ({ rule, nth: i + 1, sentence: Reflect.get(RULES, rule), history })),
  );
  it.each(cases)('$rule ($nth): $sentence', ({ rule, history }) => {
    expect(check(history()).violations.map((violation) => violation.rule)).toContain(rule);
  });

  it('in the middle of an otherwise clean history', () => {
    const clean = cleanHistory();
    const index = clean.told.findIndex(({ event }) => event?.type === 'converge.task.claimed');
    clean.told.splice(index, 1);
    const { violations } = check(clean);
    expect(new Set(violations.map(({ rule }) => rule))).toEqual(
      new Set(['sequence_gap', 'not_the_holder', 'event_missing']),
    );
  });
});
