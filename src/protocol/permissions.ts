/**
 * The subjects that each role may publish and subscribe to, and no others: the NATS server enforces it. Agents and observers live in
 * an account without JetStream. Their messages reach the log through a service import, which replaces the reply
 * subject: in the account of the streams the server would send the acknowledgement of a decision wherever its author
 * says, also to `$JS.API.STREAM.PURGE.…` (docs/decisions/010-private-pools.md).
 *
 * A server before 2.10 applies subject mappings before the permission check, a newer one after it: who may decide may
 * do so by both subjects.
 */
import { type Identity, inboxPrefix } from './identity.ts';
import { COMMONS, OBSERVER, OPERATOR, SHARD_POOL, SWEEPER } from './names.ts';
import type { Subjects } from './subjects.ts';

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface Grantee extends Identity {
  /** Pools whose events an agent may subscribe directly, besides `commons`. */
  readonly events?: readonly string[] | undefined;
}

/** The account with the streams: workers and operators. */
export const SYSTEM_ACCOUNT = 'CONVERGE';
/** The account without: agents and observers. */
export const AGENTS_ACCOUNT = 'CONVERGE_AGENTS';

export function accountOf({ role }: Identity): typeof SYSTEM_ACCOUNT | typeof AGENTS_ACCOUNT {
  return role === 'worker' || role === 'operator' ? SYSTEM_ACCOUNT : AGENTS_ACCOUNT;
}

export function permissionsOf(grantee: Grantee, subjects: Subjects): Permissions {
  switch (grantee.role) {
    case 'agent':
      return agentPermissions(grantee, subjects);
    case 'observer':
      return observerPermissions(grantee, subjects);
    case 'operator':
      return operatorPermissions(grantee, subjects);
    case 'worker':
      return workerPermissions(grantee, subjects);
  }
}

/** Imports of the agents' account from the one with the streams. */
export function sharedSubjects(subjects: Subjects): {
  readonly services: readonly string[];
  readonly streams: readonly string[];
} {
  const ns = subjects.namespace;
  return {
    services: [`${ns}.decisions.>`, `${ns}.queries.>`, ...flowControl(subjects)],
    streams: [`${ns}.results.>`, `${ns}.feeds.>`, `${ns}.events.>`, subjects.sweeps],
  };
}

function agentPermissions({ role, name, events = [] }: Grantee, subjects: Subjects): Permissions {
  return {
    publish: [...decisionsOf(name, subjects), ...queriesAs(name, subjects), ...flowControl(subjects)],
    subscribe: [
      subjects.resultsOf(name),
      subjects.feedsOf(name),
      ...new Set([COMMONS, ...events].map((pool) => subjects.eventsOf(pool))),
      `${inboxPrefix({ role, name })}.>`,
    ],
  };
}

function observerPermissions(identity: Grantee, subjects: Subjects): Permissions {
  return {
    publish: [...queriesAs(OBSERVER, subjects), ...flowControl(subjects)],
    subscribe: [
      subjects.allResults,
      subjects.allEvents,
      subjects.sweeps,
      subjects.feedsOf(OBSERVER),
      `${inboxPrefix(identity)}.>`,
    ],
  };
}

function operatorPermissions(identity: Grantee, subjects: Subjects): Permissions {
  const { deadLetters, snapshots, marks } = subjects.streams;
  const { logStreams, eventStreams } = subjects;
  return {
    publish: [
      ...decisionsOf(identity.name, subjects),
      ...decisionsOf(OPERATOR, subjects),
      ...queriesAs(OPERATOR, subjects),
      ...flowControl(subjects),
      ...discovery('*'),
      '$JS.API.INFO',
      ...[...logStreams, ...eventStreams, deadLetters, snapshots, marks].flatMap(readingOf),
      paceOf(snapshots),
    ],
    subscribe: [
      subjects.allResults,
      subjects.allEvents,
      subjects.sweeps,
      subjects.allDeadLetters,
      subjects.feedsOf(OPERATOR),
      `${inboxPrefix(identity)}.>`,
    ],
  };
}

function workerPermissions(identity: Grantee, subjects: Subjects): Permissions {
  const ns = subjects.namespace;
  const { deadLetters, snapshots, marks } = subjects.streams;
  const { logStreams, eventStreams } = subjects;
  return {
    publish: [
      `${ns}.decisions.*.${SHARD_POOL}.${SWEEPER}`,
      subjects.allResults,
      subjects.allEvents,
      subjects.allDeadLetters,
      subjects.sweeps,
      // Trimming is recorded before it is done.
      subjects.allTrimMarks,
      // Answers: to operators directly, to agents and observers by the subjects that the server made for theirs.
      '_INBOX.>',
      '_R_.>',
      '$JS.API.INFO',
      ...[...logStreams, ...eventStreams, deadLetters, snapshots, marks].flatMap((stream) => [
        ...readingOf(stream),
        `$JS.API.STREAM.CREATE.${stream}`,
        `$JS.API.STREAM.UPDATE.${stream}`,
      ]),
      // Messages that are applied and covered by snapshots are trimmed; snapshots replace older ones.
      ...logStreams.map((stream) => `$JS.API.STREAM.PURGE.${stream}`),
      `$JS.API.STREAM.PURGE.${snapshots}`,
      `$O.${subjects.snapshotBucket}.>`,
      paceOf(snapshots),
      ...eventStreams.map((stream) => `$JS.API.CONSUMER.LIST.${stream}`),
    ],
    subscribe: [
      `${ns}.queries.>`,
      subjects.resultsOf(SWEEPER),
      ...discovery('*'),
      `${inboxPrefix(identity)}.>`,
    ],
  };
}

function decisionsOf(name: string, { namespace }: Subjects): string[] {
  return [`${namespace}.decisions.*.*.${name}`, `${namespace}.decide.*.${name}`];
}

/** Under the own name, and without one: then the answer is what anyone may know. */
function queriesAs(name: string, subjects: Subjects): string[] {
  return [subjects.query('*'), subjects.query('*', name)];
}

/** By which the reader of a feed says that it keeps up. Not part of the API: it changes nothing but the pace. */
function flowControl({ eventStreams }: Subjects): string[] {
  return eventStreams.map(paceOf);
}

function paceOf(stream: string): string {
  return `$JS.FC.${stream}.>`;
}

/** ADR-32: of all services, of ours, and of one instance of it. */
function discovery(verb: string): string[] {
  return [`$SRV.${verb}`, `$SRV.${verb}.converge`, `$SRV.${verb}.converge.*`];
}

/** Reading one stream: what it is, single messages, and a consumer of one's own. */
function readingOf(stream: string): string[] {
  return [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
  ];
}
