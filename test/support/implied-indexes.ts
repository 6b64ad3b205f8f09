/**
 * What every index has to hold, computed from the documents alone and written without a look at the code that keeps
 * them: the two must agree after any history.
 */
import { createHash } from 'node:crypto';
import type { Dump } from './dump-state.ts';

type Doc = Readonly<Record<string, unknown>> & {
  readonly state?: string;
  readonly pool: string;
  readonly origin?: { readonly agent: string; readonly decisionId: string };
};

const INDEX_KINDS = new Set([
  'pool-names',
  'member-names',
  'offer-names',
  'pools-of',
  'tasks-in',
  'tasks-of',
  'pending-classes',
  'pending',
  'finals',
  'entities-in',
  'live-entities',
  'ended-entities',
  'delegated-to',
  'delegations-of',
  'receipt-counts',
  'fence-keys',
]);

/** The keys of the dump that are indexes, as they are. */
export function indexesOf(dump: Dump): Dump {
  return Object.fromEntries(Object.entries(dump).filter(([key]) => INDEX_KINDS.has(kindOf(key))));
}

function kindOf(key: string): string {
  return key.split(':')[3] ?? '';
}

export function impliedIndexes(dump: Dump): Dump {
  const indexes = new Indexes();
  for (const [key, value] of Object.entries(dump)) {
    const [, , , kind] = key.split(':');
    const base = key.slice(0, key.indexOf(':s:') + 3);
    if (kind === 'fences')
      for (const field of Object.keys(value as object)) indexes.zadd(`${base}fence-keys`, field, 0);
    if (kind === 'offers')
      for (const field of Object.keys(value as object))
        indexes.zadd(`${base}offer-names:${key.split(':')[4] ?? ''}`, field, 0);
    if (kind !== 'pools' && kind !== 'members' && kind !== 'tasks' && kind !== 'entities') continue;
    for (const json of Object.values(value as Record<string, string>)) {
      const doc: Doc = JSON.parse(json);
      if (kind === 'pools') indexPool(indexes, base, doc);
      else if (kind === 'members') indexMember(indexes, base, doc);
      else if (kind === 'tasks') indexTask(indexes, base, doc);
      else indexEntity(indexes, base, doc);
    }
  }
  return indexes.asDump();
}

function indexPool(indexes: Indexes, base: string, doc: Doc): void {
  indexes.zadd(`${base}pool-names`, String(doc.pool), 0);
  if (doc.origin?.agent !== '_system') indexes.count(`${base}receipt-counts`, keyOf(doc));
}

function indexMember(indexes: Indexes, base: string, { pool, agent }: Doc): void {
  indexes.zadd(`${base}member-names:${pool}`, String(agent), 0);
  indexes.zadd(`${base}pools-of:${agent}`, String(pool), 0);
}

function indexTask(indexes: Indexes, base: string, doc: Doc): void {
  const { pool, state, taskId, order, priority, topic, requiredCapabilities, claim, finishedBy } = doc;
  const id = String(taskId);
  indexes.zadd(`${base}tasks-in:${pool}:${state}`, id, Number(order));
  indexes.count(`${base}receipt-counts`, keyOf(doc));
  const isDone = state === 'completed' || state === 'failed';
  const holder = claim
    ? (claim as { agent: string }).agent
    : isDone && finishedBy !== '_system'
      ? finishedBy
      : undefined;
  if (holder !== undefined) indexes.zadd(`${base}tasks-of:${pool}:${holder}:${state}`, id, Number(order));
  if (isDone || state === 'cancelled') indexes.zadd(`${base}finals:${pool}`, id, Number(doc.finishedAt));
  if (state !== 'pending' || doc.auction !== undefined) return;
  const isPlain = topic === undefined && (requiredCapabilities as unknown[]).length === 0;
  const claimClass = isPlain ? '' : JSON.stringify([topic ?? null, requiredCapabilities]);
  const hash = isPlain ? '-' : createHash('sha256').update(claimClass).digest('base64url').slice(0, 22);
  indexes.hset(`${base}pending-classes:${pool}`, hash, claimClass);
  indexes.zadd(
    `${base}pending:${pool}:${hash}`,
    `${String(order).padStart(16, '0')}:${doc.submittedAt}:${id}`,
    -Number(priority),
  );
}

function indexEntity(indexes: Indexes, base: string, doc: Doc): void {
  const { pool, kind, id, state, order, finishedAt } = doc;
  indexes.zadd(`${base}entities-in:${pool}:${kind}:${state}`, String(id), Number(order));
  if (finishedAt === undefined) indexes.zadd(`${base}live-entities:${pool}`, `${kind}/${id}`, Number(order));
  else indexes.zadd(`${base}ended-entities:${pool}`, `${kind}/${id}`, Number(finishedAt));
  if (kind === 'delegation' && state === 'live' && doc.delegationKind === 'direct')
    indexes.zadd(`${base}delegated-to:${pool}:${doc.delegateeId}`, String(id), Number(order));
  if (kind === 'delegation') {
    const passedOn = doc.passedOn as { readonly principalId: string } | undefined;
    const parties = [
      doc.delegatorId,
      doc.delegationKind === 'direct' ? doc.delegateeId : undefined,
      passedOn?.principalId,
    ];
    for (const agent of new Set(parties.filter((name) => name !== undefined)))
      indexes.zadd(`${base}delegations-of:${pool}:${agent}:${state}`, String(id), Number(order));
  }
  indexes.count(`${base}receipt-counts`, keyOf(doc));
}

function keyOf({ pool, origin }: Doc): string {
  return `${pool}.${origin?.agent}.${origin?.decisionId}`;
}

class Indexes {
  readonly #sets = new Map<string, { member: string; score: number }[]>();
  readonly #hashes = new Map<string, Map<string, string>>();

  zadd(key: string, member: string, score: number): void {
    this.#sets.set(key, [...(this.#sets.get(key) ?? []), { member, score: score + 0 }]);
  }

  hset(key: string, field: string, value: string): void {
    const hash = this.#hashes.get(key) ?? new Map<string, string>();
    this.#hashes.set(key, hash.set(field, value));
  }

  count(key: string, field: string): void {
    this.hset(key, field, String(Number(this.#hashes.get(key)?.get(field) ?? 0) + 1));
  }

  asDump(): Dump {
    const sets = [...this.#sets].map(([key, entries]) => [
      key,
      entries
        .sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1))
        .flatMap(({ member, score }) => [member, String(score)]),
    ]);
    const hashes = [...this.#hashes].map(([key, hash]) => [
      key,
      Object.fromEntries([...hash].sort(([a], [b]) => (a < b ? -1 : 1))),
    ]);
    return Object.fromEntries([...sets, ...hashes].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
  }
}
