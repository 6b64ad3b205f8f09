/** Tries every row of the expectations as every role, on a real server, and says what was not as expected. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Msg, type NatsConnection, PermissionViolationError } from 'nats';
import { permissionDenied } from '../../src/bus/permission-denied.ts';
import { NotAuthorizedError } from '../../src/lib/errors.ts';
import { defined } from '../../src/protocol/defined.ts';
import { askerName } from '../../src/protocol/identity.ts';
import { isObject } from '../../src/protocol/json.ts';
import { NAMES, type Name, ROWS, type Row, WITHOUT_ACCESS } from './expectations.ts';
import { CAST, PRIVATE_POOL, type SecuritySystem } from './system.ts';

export interface Case {
  readonly who: string;
  readonly kind: Row['kind'] | 'connect';
  readonly subject: string;
  /** The row that it belongs to. */
  readonly row: string;
  readonly expected: string;
  readonly found: string;
}

export interface MatrixOptions {
  /** Every how many-th row is tried; 1 is all of them. */
  readonly every?: number;
}

const ANSWER_WITHIN_MS = 3_000;
/** As a body of `PURGE` it names messages that there are not; to everything else it means nothing. */
const HARMLESS = JSON.stringify({ filter: 'none.at.all' });

export async function runMatrix(
  system: SecuritySystem,
  { every = 1 }: MatrixOptions = {},
): Promise<readonly Case[]> {
  const cases: Case[] = [];
  for (const who of WITHOUT_ACCESS) cases.push(await tryToConnect(system, who));
  for (const who of NAMES) {
    const connection = await system.connect(who);
    const refusals = watchRefusals(connection);
    for (const [i, row] of ROWS.entries()) {
      if (i % every !== 0) continue;
      const subject = subjectFor(row.subject, who);
      const expected = row.allowed.includes(who) ? 'allowed' : (row.otherwise?.[who] ?? 'denied');
      const found = await attempt(connection, refusals, row, subject);
      cases.push({ who, kind: row.kind, subject, row: rowName(row), expected, found });
    }
  }
  return cases;
}

function rowName({ subject, body }: Row): string {
  return body === undefined ? subject : `${subject} ${JSON.stringify(body)}`;
}

function subjectFor(template: string, who: Name): string {
  const identity = CAST.find(({ name }) => name === who);
  const asker = identity === undefined ? who : askerName(identity);
  return template.replace('<self>', who).replace('<asker>', asker);
}

async function tryToConnect(system: SecuritySystem, who: string): Promise<Case> {
  const found = await system.connect(who === 'nobody' ? undefined : who).then(
    () => 'allowed',
    (error) => (error instanceof NotAuthorizedError ? 'denied' : String(error)),
  );
  return { who, kind: 'connect', subject: '', row: 'connect', expected: 'denied', found };
}

/** Subjects on which the server has refused something, until they are looked at. */
function watchRefusals(connection: NatsConnection): Set<string> {
  const refused = new Set<string>();
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        refused.add(`${status.error.operation} ${status.error.subject}`);
    }
  })();
  return refused;
}

async function attempt(
  connection: NatsConnection,
  refusals: Set<string>,
  row: Row,
  subject: string,
): Promise<string> {
  refusals.clear();
  switch (row.kind) {
    case 'publish':
    case 'JetStream API':
      connection.publish(subject, HARMLESS);
      // What the server refuses it says before it answers this.
      await connection.flush();
      // The status is told in a turn of its own.
      await nextTurn();
      // A server before 2.10 has applied the mapping by then, and names the other subject.
      return [...refusals].some((refused) => refused.startsWith('publish ')) ? 'denied' : 'allowed';
    case 'subscribe':
      return await trySubscription(connection, subject, undefined);
    case 'queue subscribe':
      return await trySubscription(connection, subject, 'matrix');
    case 'request':
      return await tryRequest(connection, subject, row.body ?? {});
  }
}

async function trySubscription(
  connection: NatsConnection,
  subject: string,
  queue: string | undefined,
): Promise<string> {
  let verdict = 'allowed';
  const subscription = connection.subscribe(subject, {
    ...defined({ queue }),
    callback: (error) => {
      if (error !== null) verdict = permissionDenied(error) === undefined ? String(error) : 'denied';
    },
  });
  await connection.flush();
  subscription.unsubscribe();
  return verdict;
}

async function tryRequest(connection: NatsConnection, subject: string, body: object): Promise<string> {
  try {
    const reply = await connection.request(subject, JSON.stringify(body), { timeout: ANSWER_WITHIN_MS });
    return verdictIn(reply, subject);
  } catch (error) {
    return permissionDenied(error) === undefined ? String(error) : 'denied';
  }
}

/** The code of a refusal. Of lists, whether the private pool, or something in it, is listed. */
function verdictIn(reply: Msg, subject: string): string {
  const answer = reply.json<unknown>();
  if (!isObject(answer)) return 'unreadable';
  if (isObject(answer.error)) return String(answer.error.code);
  const isList = /\.queries\.(pools|pools-of-agent|pending-tasks)\./.test(subject);
  return isList && !reply.string().includes(`"${PRIVATE_POOL}"`) ? 'not listed' : 'allowed';
}
