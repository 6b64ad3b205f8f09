/**
 * Who may do what, written down by hand and without a look at the permissions that are generated: the matrix compares
 * the two. A verdict that is not listed is `denied`.
 */
import { defined } from '../../src/protocol/defined.ts';
import { PRIVATE_DECISION, PRIVATE_POOL, PRIVATE_TASK } from './system.ts';

export const NAMES = ['ann', 'bob', 'gus', 'olga', 'otto', 'wanda'] as const;
export type Name = (typeof NAMES)[number];
export const WITHOUT_ACCESS = ['nobody', 'rex'] as const;

/** `request` is answered by the workers, the others by the NATS server alone. */
export type Kind = 'publish' | 'subscribe' | 'queue subscribe' | 'request' | 'JetStream API';

export interface Row {
  readonly kind: Kind;
  /** `<self>` stands for each one's own name. */
  readonly subject: string;
  readonly body?: object;
  /** Who may; for requests also what the others are told. */
  readonly allowed: readonly Name[];
  readonly otherwise?: Readonly<Partial<Record<Name, string>>>;
}

const AGENTS: readonly Name[] = ['ann', 'bob', 'gus'];
const ASKERS: readonly Name[] = [...AGENTS, 'olga', 'otto'];
const OVERSEERS: readonly Name[] = ['olga', 'otto'];
const NOBODY: readonly Name[] = [];

const publish = (subject: string, allowed: readonly Name[]): Row => ({ kind: 'publish', subject, allowed });
const api = (subject: string, allowed: readonly Name[]): Row => ({ kind: 'JetStream API', subject, allowed });
/** With and without a queue group the answer has to be the same. */
const subscribe = (subject: string, allowed: readonly Name[]): Row[] => [
  { kind: 'subscribe', subject, allowed },
  { kind: 'queue subscribe', subject, allowed },
];
const request = (
  subject: string,
  body: object,
  allowed: readonly Name[],
  otherwise: Row['otherwise'],
): Row => ({ kind: 'request', subject, body, allowed, ...defined({ otherwise }) });

const PUBLISHING: readonly Row[] = [
  publish('converge.decisions.0.commons.<self>', [...AGENTS, 'otto']),
  publish('converge.decisions.*.*.<self>', [...AGENTS, 'otto']),
  publish('converge.decide.commons.<self>', [...AGENTS, 'otto']),
  publish('converge.decisions.0.commons.ann', ['ann']),
  publish('converge.decisions.0.vault.ann', ['ann']),
  publish('converge.decisions.0._shard.ann', ['ann']),
  publish('converge.decide.commons.ann', ['ann']),
  publish('converge.decisions.0.commons.ann.more', NOBODY),
  publish('converge.decisions.0.ann', NOBODY),
  publish('converge.decisions.0.commons._operator', ['otto']),
  publish('converge.decisions.0._shard._operator', ['otto']),
  publish('converge.decisions.0._shard._sweeper', ['wanda']),
  publish('converge.decisions.0.commons._sweeper', NOBODY),
  publish('converge.decisions.0.commons._system', NOBODY),
  publish('converge.decisions.0.commons._observer', NOBODY),
  publish('converge.results.ann.d1', ['wanda']),
  publish('converge.results.<self>.d1', ['wanda']),
  publish('converge.events.0.commons', ['wanda']),
  publish('converge.events.0.vault', ['wanda']),
  publish('converge.deadletters.0', ['wanda']),
  publish('converge.sweeps', ['wanda']),
  publish('converge.feeds.ann.token', NOBODY),
  publish('converge.feeds.<self>.token', NOBODY),
  publish('converge.queries.stats', ASKERS),
  publish('converge.queries.stats.<self>', AGENTS),
  publish('converge.queries.stats.ann', ['ann']),
  publish('converge.queries.stats._operator', ['otto']),
  publish('converge.queries.stats._observer', ['olga']),
  publish('_INBOX.ann.abc', ['wanda']),
  publish('_INBOX._operator.otto.abc', ['wanda']),
  publish('_INBOX._worker.wanda.abc', ['wanda']),
  publish('other.decisions.0.commons.<self>', NOBODY),
  publish('$SRV.PING', ['otto']),
  publish('$SRV.INFO.converge', ['otto']),
  publish('$SYS.REQ.SERVER.PING', NOBODY),
  publish('$SYS.REQ.ACCOUNT.PING.CONNZ', NOBODY),
  publish('$O.CONVERGE_SNAPSHOTS.M.x', ['wanda']),
  // Of no shard, so that the mark of none is changed.
  publish('converge.marks.9999', ['wanda']),
  publish('$KV.bucket.key', NOBODY),
  publish('$O.bucket.C.x', NOBODY),
  publish('anything', NOBODY),
];

const SUBSCRIBING: readonly Row[] = [
  ...subscribe('converge.results.<self>.*', ASKERS),
  ...subscribe('converge.results.ann.*', ['ann', ...OVERSEERS]),
  ...subscribe('converge.results.*.*', OVERSEERS),
  ...subscribe('converge.results.>', NOBODY),
  ...subscribe('converge.results._sweeper.*', [...OVERSEERS, 'wanda']),
  ...subscribe('converge.results._operator.*', OVERSEERS),
  ...subscribe('converge.events.*.commons', ASKERS),
  ...subscribe('converge.events.0.commons', ASKERS),
  ...subscribe('converge.events.*.vault', ['gus', ...OVERSEERS]),
  ...subscribe('converge.events.0.vault', ['gus', ...OVERSEERS]),
  ...subscribe('converge.events.0.*', OVERSEERS),
  ...subscribe('converge.events.*.*', OVERSEERS),
  ...subscribe('converge.events.>', OVERSEERS),
  ...subscribe('converge.feeds.<self>.*', AGENTS),
  ...subscribe('converge.feeds.ann.*', ['ann']),
  ...subscribe('converge.feeds._operator.*', ['otto']),
  ...subscribe('converge.feeds._observer.*', ['olga']),
  ...subscribe('converge.feeds.*.*', NOBODY),
  ...subscribe('converge.feeds.>', NOBODY),
  ...subscribe('converge.decisions.>', NOBODY),
  ...subscribe('converge.decisions.*.*.<self>', NOBODY),
  ...subscribe('converge.decide.*.<self>', NOBODY),
  ...subscribe('converge.deadletters.*', ['otto']),
  ...subscribe('converge.sweeps', OVERSEERS),
  ...subscribe('converge.>', NOBODY),
  ...subscribe('_INBOX.ann.>', ['ann']),
  ...subscribe('_INBOX._operator.otto.>', ['otto']),
  ...subscribe('_INBOX._observer.olga.>', ['olga']),
  ...subscribe('_INBOX._worker.wanda.>', ['wanda']),
  ...subscribe('_INBOX.*.>', NOBODY),
  ...subscribe('_INBOX.>', NOBODY),
  ...subscribe('_R_.>', NOBODY),
  ...subscribe('$JS.>', NOBODY),
  ...subscribe('$JS.EVENT.ADVISORY.>', NOBODY),
  ...subscribe('$SYS.>', NOBODY),
  ...subscribe('$O.CONVERGE_SNAPSHOTS.>', NOBODY),
  ...subscribe('converge.marks.*', NOBODY),
  ...subscribe('$SRV.PING', ['wanda']),
  ...subscribe('>', NOBODY),
  // Last: for a moment the worker's own questions and answers would go to the tester.
  ...subscribe('converge.queries.>', ['wanda']),
  ...subscribe('converge.queries.*', ['wanda']),
  ...subscribe('converge.queries.*.<self>', ['wanda']),
];

const READERS: readonly Name[] = ['otto', 'wanda'];
const SNAPSHOTS = 'OBJ_CONVERGE_SNAPSHOTS';
const STREAMS: readonly string[] = [
  'CONVERGE_DECISIONS',
  'CONVERGE_EVENTS2',
  'CONVERGE_DEADLETTERS',
  'CONVERGE_MARKS',
  SNAPSHOTS,
];
/** From which something is removed as a matter of course. */
const TRIMMED: readonly string[] = ['CONVERGE_DECISIONS', SNAPSHOTS];

const API: readonly Row[] = [
  api('$JS.API.INFO', READERS),
  api('$JS.API.STREAM.LIST', NOBODY),
  api('$JS.API.STREAM.NAMES', NOBODY),
  ...STREAMS.flatMap((stream) => [
    api(`$JS.API.STREAM.INFO.${stream}`, READERS),
    api(`$JS.API.STREAM.MSG.GET.${stream}`, READERS),
    api(`$JS.API.DIRECT.GET.${stream}`, READERS),
    api(`$JS.API.CONSUMER.CREATE.${stream}`, READERS),
    api(`$JS.API.CONSUMER.CREATE.${stream}.mine.converge.events.*.vault`, READERS),
    api(`$JS.API.CONSUMER.MSG.NEXT.${stream}.mine`, READERS),
    api(`$JS.API.CONSUMER.INFO.${stream}.mine`, READERS),
    api(`$JS.API.CONSUMER.DELETE.${stream}.mine`, READERS),
    api(`$JS.API.CONSUMER.DURABLE.CREATE.${stream}.mine`, NOBODY),
    api(`$JS.API.CONSUMER.LIST.${stream}`, stream === 'CONVERGE_EVENTS2' ? ['wanda'] : NOBODY),
    api(`$JS.API.CONSUMER.NAMES.${stream}`, NOBODY),
    api(`$JS.API.STREAM.CREATE.${stream}`, ['wanda']),
    api(`$JS.API.STREAM.UPDATE.${stream}`, ['wanda']),
    api(`$JS.API.STREAM.PURGE.${stream}`, TRIMMED.includes(stream) ? ['wanda'] : NOBODY),
    api(`$JS.API.STREAM.DELETE.${stream}`, NOBODY),
    api(`$JS.API.STREAM.MSG.DELETE.${stream}`, NOBODY),
    api(`$JS.API.STREAM.SNAPSHOT.${stream}`, NOBODY),
    api(`$JS.API.STREAM.RESTORE.${stream}`, NOBODY),
    api(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, NOBODY),
  ]),
  api('$JS.API.STREAM.CREATE.ANOTHER', NOBODY),
  api('$JS.API.META.LEADER.STEPDOWN', NOBODY),
  api('$JS.ACK.CONVERGE_EVENTS2.mine.1.1.1.1.1', NOBODY),
  api('$JS.FC.CONVERGE_EVENTS2.mine.abc', ASKERS),
  api(`$JS.FC.${SNAPSHOTS}.mine.abc`, READERS),
];

const HIDDEN = { bob: 'pool_not_found', gus: 'pool_not_found' } as const;
const ABOUT_VAULT: readonly (readonly [string, object])[] = [
  ['pool', { pool: PRIVATE_POOL }],
  ['members', { pool: PRIVATE_POOL }],
  ['offers', { pool: PRIVATE_POOL }],
  ['task', { pool: PRIVATE_POOL, taskId: PRIVATE_TASK }],
  ['tasks', { pool: PRIVATE_POOL }],
  ['auctions', { pool: PRIVATE_POOL }],
  ['votes', { pool: PRIVATE_POOL }],
  ['delegations', { pool: PRIVATE_POOL }],
  ['stats', { pool: PRIVATE_POOL }],
];
const SEEING: readonly Name[] = ['ann', ...OVERSEERS];

/** `<asker>` is the name under which each one asks. */
const ASKING: readonly Row[] = [
  ...ABOUT_VAULT.map(([name, body]) => request(`converge.queries.${name}.<asker>`, body, SEEING, HIDDEN)),
  // Without a name nobody sees what not everybody may see.
  ...ABOUT_VAULT.map(([name, body]) =>
    request(`converge.queries.${name}`, body, NOBODY, {
      ann: 'pool_not_found',
      ...HIDDEN,
      olga: 'pool_not_found',
      otto: 'pool_not_found',
    }),
  ),
  request('converge.queries.pool.<asker>', { pool: 'commons' }, ASKERS, undefined),
  request('converge.queries.stats', {}, ASKERS, undefined),
  request('converge.queries.pools.<asker>', {}, SEEING, { bob: 'not listed', gus: 'not listed' }),
  request('converge.queries.pools-of-agent.<asker>', { agent: 'ann' }, SEEING, {
    bob: 'not listed',
    gus: 'not listed',
  }),
  request('converge.queries.pending-tasks.<asker>', { agent: 'ann' }, SEEING, {
    bob: 'not listed',
    gus: 'not listed',
  }),
  request(
    'converge.queries.outcome.<asker>',
    { pool: PRIVATE_POOL, agent: 'ann', decisionId: PRIVATE_DECISION },
    SEEING,
    {
      bob: 'outcome_not_found',
      gus: 'outcome_not_found',
    },
  ),
  request(
    'converge.queries.outcome',
    { pool: PRIVATE_POOL, agent: 'ann', decisionId: PRIVATE_DECISION },
    NOBODY,
    {
      ann: 'outcome_not_found',
      bob: 'outcome_not_found',
      gus: 'outcome_not_found',
      olga: 'outcome_not_found',
      otto: 'outcome_not_found',
    },
  ),
  request('converge.queries.feed.<asker>', { pool: PRIVATE_POOL, token: 'matrix' }, SEEING, HIDDEN),
  request('converge.queries.feed.<asker>', { pool: 'commons', token: 'matrix' }, ASKERS, undefined),
  request('converge.queries.feed.<asker>', { pool: 'not-made-yet', token: 'matrix' }, OVERSEERS, {
    ann: 'pool_not_found',
    ...HIDDEN,
  }),
  request('converge.queries.feed.<asker>', { token: 'matrix' }, OVERSEERS, {
    ann: 'not_allowed',
    bob: 'not_allowed',
    gus: 'not_allowed',
  }),
];

export const ROWS: readonly Row[] = [...PUBLISHING, ...API, ...ASKING, ...SUBSCRIBING];
