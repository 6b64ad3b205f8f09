/**
 * Every decision type and every query, on everything that a private pool holds, by agents that may not know of it: what
 * comes back has to be what comes back from a pool that there is not, to the byte.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import type { ConvergeClient } from '../../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../../src/client/core/outcomes.ts';
import { PoolManager } from '../../../src/client/managers/pool-manager.ts';
import { type DecisionInput, isSingleType, SINGLE_DECISIONS } from '../../../src/protocol/decisions/index.ts';
import { isQueryName, QUERIES, type QueryName } from '../../../src/protocol/queries.ts';
import type { SecuritySystem } from '../system.ts';
import { EVERY_DECISION, TOKEN } from './every-decision.ts';
import { EVERY_QUERY } from './every-query.ts';
import { fillSafe, type Safe } from './safe.ts';

export interface PrivateCase {
  readonly who: string;
  readonly kind: 'private pool';
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

const NOTHING = 'as if there were no pool';
const SOMETHING = 'something else';
/** Queries about agents rather than a pool, so that the two answers may be one. */
const ABOUT_AGENTS: ReadonlySet<QueryName> = new Set(['pools', 'pools-of-agent', 'outcome']);
const ANSWER_WITHIN_MS = 5_000;
const PRESENCE_MS = 300;
const PRINCIPALS = [undefined, 'ann'] as const;

interface Stranger {
  readonly who: string;
  readonly client: ConvergeClient;
  readonly raw: NatsConnection;
}

export async function runPrivate(system: SecuritySystem): Promise<readonly PrivateCase[]> {
  const [ann, bob, gus] = [
    await system.client('ann'),
    await system.client('bob'),
    await system.client('gus'),
  ];
  const [rawBob, rawGus] = [await system.connect('bob'), await system.connect('gus')];
  const safe = await fillSafe(ann, gus, system.shards);
  const cases: PrivateCase[] = [];
  const tryAs = async (who: string, client: ConvergeClient, raw: NatsConnection): Promise<void> => {
    cases.push(...(await tryEverything(system, safe, { who, client, raw })));
  };
  cases.push(...(await tryAsMember(system, safe, ann, await system.connect('ann'))));
  await tryAs('bob, a stranger', bob, rawBob);
  await tryAs('gus, who has left and has a narrow delegation', gus, rawGus);
  acceptedOrThrow(await gus.decide(safe.pool, { type: 'JoinPool', token: TOKEN, presenceMs: PRESENCE_MS }));
  await delay(2 * PRESENCE_MS);
  await tryAs('gus, whose presence has lapsed', gus, rawGus);
  acceptedOrThrow(await bob.decide(safe.pool, { type: 'JoinPool', token: TOKEN }));
  acceptedOrThrow(await ann.decide(safe.pool, { type: 'BanAgent', agentId: 'bob' }));
  await tryAs('bob, who is banned', bob, rawBob);
  // A ban from everywhere ends memberships that are told one after the other; it has gone when they are asked about.
  acceptedOrThrow(await ann.decide(safe.pool, { type: 'UnbanAgent', agentId: 'bob' }));
  acceptedOrThrow(await bob.decide(safe.pool, { type: 'JoinPool', token: TOKEN }));
  const operators = new PoolManager(await system.client('otto'));
  await operators.banEverywhere('bob');
  await operators.unbanEverywhere('bob');
  await tryAs('bob, who was a member, banned from everywhere and let in again', bob, rawBob);
  return cases;
}

/** That answers can differ at all: who may know is told something else, of everything that names the pool. */
async function tryAsMember(
  system: SecuritySystem,
  safe: Safe,
  client: ConvergeClient,
  raw: NatsConnection,
): Promise<PrivateCase[]> {
  const cases: PrivateCase[] = [];
  const tried = (subject: string, found: string): void => {
    const word = found === NOTHING ? found : SOMETHING;
    cases.push({ who: 'ann, a member', kind: 'private pool', subject, expected: SOMETHING, found: word });
  };
  const decisions: readonly DecisionInput[] = [...EVERY_DECISION.UnbanAgent, ...EVERY_DECISION.Heartbeat];
  tried('decisions', await firstDifference(decisions, (body, pool) => decided(client, pool, body), safe));
  for (const name of Object.keys(QUERIES)) {
    if (!isQueryName(name) || ABOUT_AGENTS.has(name)) continue;
    const subject = system.subjects.query(name, client.agent);
    const ask = (pool: string) => asked(raw, subject, EVERY_QUERY[name](pool)[0] ?? {});
    tried(subject, await firstDifference([undefined], (_, pool) => ask(pool), safe));
  }
  return cases;
}

async function tryEverything(system: SecuritySystem, safe: Safe, stranger: Stranger): Promise<PrivateCase[]> {
  const cases: PrivateCase[] = [];
  const tried = (subject: string, found: string): void => {
    cases.push({ who: stranger.who, kind: 'private pool', subject, expected: NOTHING, found });
  };
  for (const type of Object.keys(SINGLE_DECISIONS)) {
    // Whether a name is taken cannot be kept secret.
    if (!isSingleType(type) || type === 'CreatePool') continue;
    const all = PRINCIPALS.flatMap((onBehalfOf) =>
      EVERY_DECISION[type].map(
        (body): DecisionInput => (onBehalfOf === undefined ? body : { ...body, onBehalfOf }),
      ),
    );
    tried(type, await firstDifference(all, (body, pool) => decided(stranger.client, pool, body), safe));
  }
  const members = Object.values(EVERY_DECISION).flatMap((all): DecisionInput[] => all.slice(0, 1));
  const batch = members.filter(({ type }) => type !== 'CreatePool');
  tried(
    'Batch',
    await firstDifference([batch], (body, pool) => decidedTogether(stranger.client, pool, body), safe),
  );
  for (const name of Object.keys(QUERIES)) {
    if (!isQueryName(name)) continue;
    for (const asker of [undefined, stranger.client.agent]) {
      const subject = system.subjects.query(name, asker);
      const ask = (pool: string, i: number) => asked(stranger.raw, subject, EVERY_QUERY[name](pool)[i] ?? {});
      const places = EVERY_QUERY[name](safe.pool).map((_, i) => i);
      tried(subject, await firstDifference(places, (i, pool) => ask(pool, i), safe));
    }
  }
  return cases;
}

/** The first answer about the pool that is not the one about nothing. */
async function firstDifference<T>(
  all: readonly T[],
  answer: (body: T, pool: string) => Promise<string>,
  { pool, nowhere }: Safe,
): Promise<string> {
  for (const body of all) {
    const here = await answer(body, pool);
    const there = (await answer(body, nowhere)).replaceAll(nowhere, pool);
    if (here !== there) return `${JSON.stringify(body)}: ${here}`;
  }
  return NOTHING;
}

async function decided(client: ConvergeClient, pool: string, body: DecisionInput): Promise<string> {
  return withoutPlace(await client.decide(pool, body));
}

async function decidedTogether(
  client: ConvergeClient,
  pool: string,
  decisions: readonly DecisionInput[],
): Promise<string> {
  return withoutPlace(await client.decide(pool, { type: 'Batch', decisions })).replaceAll(
    /"id":"[\w-]+",?/g,
    '',
  );
}

/** What is of the message alone: its id and hash, its place in the log, the time. */
const OF_THE_MESSAGE: ReadonlySet<string> = new Set(['decisionId', 'body', 'seq', 'at']);

function withoutPlace(outcome: object): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(outcome).filter(([key]) => !OF_THE_MESSAGE.has(key))),
  );
}

async function asked(connection: NatsConnection, subject: string, body: object): Promise<string> {
  const reply = await connection.request(subject, JSON.stringify(body), { timeout: ANSWER_WITHIN_MS });
  return reply.string();
}
