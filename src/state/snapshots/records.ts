/**
 * The lines of a snapshot: text that a person can read with zcat. `<kind> <id> <value>` keeps something, `-<kind> <id>`
 * says that it is gone, `=` begins what replaces earlier lines, and the last line is the summary.
 *
 *   P pool document          M pool agent document     T pool task document     E pool kind id document
 *   A pool agent/name document (of a standing offer)
 *   S pool last-sequence     O pool.agent.decision outcome
 *   R pool.agent.decision count receipt
 *   B position what-a-batch-owes (as a JSON string)
 *   N agent ban (from the whole system)               K bucket when-it-is-full-again
 *   W pool turn (of one that owes consequences)      F pool/agent fences (that void something)
 *
 * Indexes are not kept: they are a function of the documents.
 */
import { SnapshotDamagedError } from '../../lib/errors.ts';
import { changedId, type DocumentChange } from '../../protocol/document-change.ts';
import { type EntityKind, type EntityRef, isEntityKind } from '../../protocol/entities.ts';
import { type SnapshotSummary, snapshotSummarySchema } from '../../protocol/snapshots.ts';
import { releasedReceipt } from '../documents-to-writes.ts';
import type { ShardCommit } from '../shard-store.ts';

/** By kind: of how many words the id consists. */
const ID_WORDS = { P: 1, S: 1, M: 2, A: 2, T: 2, E: 3, O: 1, R: 1, B: 1, N: 1, K: 1, W: 1, F: 1 } as const;

export type RecordKind = keyof typeof ID_WORDS;

/** `<kind> <words of the id>`. */
export type RecordId = string;

export interface KeptRecord {
  readonly id: RecordId;
  /** Undefined when there is no such thing (any more). */
  readonly value: string | undefined;
}

export type SnapshotLine =
  | { readonly is: 'record'; readonly record: KeptRecord }
  | { readonly is: 'replacements' }
  | { readonly is: 'summary'; readonly summary: SnapshotSummary };

export const recordId = {
  pool: (pool: string): RecordId => `P ${pool}`,
  sequence: (pool: string): RecordId => `S ${pool}`,
  member: (pool: string, agent: string): RecordId => `M ${pool} ${agent}`,
  offer: (pool: string, key: string): RecordId => `A ${pool} ${key}`,
  entity: (pool: string, kind: EntityKind, id: string): RecordId =>
    kind === 'task' ? `T ${pool} ${id}` : `E ${pool} ${kind} ${id}`,
  outcome: (key: string): RecordId => `O ${key}`,
  receipt: (key: string): RecordId => `R ${key}`,
  outbox: (seq: string): RecordId => `B ${seq}`,
  ban: (agent: string): RecordId => `N ${agent}`,
  bucket: (key: string): RecordId => `K ${key}`,
  turn: (pool: string): RecordId => `W ${pool}`,
  fence: (key: string): RecordId => `F ${key}`,
};

export function partsOf(id: RecordId): { kind: RecordKind; words: string[] } {
  const [kind = '', ...words] = id.split(' ');
  if (!isKind(kind) || words.length !== ID_WORDS[kind])
    throw new SnapshotDamagedError(`no such record: ${id}`);
  return { kind, words };
}

/** Of the record of an entity: which it is, and in which pool. */
export function entityOf(kind: 'T' | 'E', words: readonly string[]): EntityRef & { readonly pool: string } {
  const [pool = '', second = '', third = ''] = words;
  if (kind === 'T') return { pool, kind: 'task', id: second };
  if (!isEntityKind(second)) throw new SnapshotDamagedError(`unknown kind of entity: ${second}`);
  return { pool, kind: second, id: third };
}

function isKind(text: string): text is RecordKind {
  return Object.hasOwn(ID_WORDS, text);
}

export function encodeRecord({ id, value }: KeptRecord): string {
  return value === undefined ? `-${id}\n` : `${id} ${value}\n`;
}

export const REPLACEMENTS = '=\n';

export function encodeSummary(summary: SnapshotSummary): string {
  return `Z ${JSON.stringify(summary)}\n`;
}

/** Reads one line (without its end). Throws {@link SnapshotDamagedError} at anything that no line can be. */
export function decodeLine(line: string): SnapshotLine {
  if (line === '=') return { is: 'replacements' };
  if (line.startsWith('Z ')) return { is: 'summary', summary: decodeSummary(line.slice(2)) };
  const isGone = line.startsWith('-');
  const kind = line[isGone ? 1 : 0] ?? '';
  if (!isKind(kind)) throw new SnapshotDamagedError(`a line of an unknown kind: ${line.slice(0, 40)}`);
  if (isGone) {
    const id = line.slice(1);
    partsOf(id);
    return { is: 'record', record: { id, value: undefined } };
  }
  let end = 1;
  for (let words = ID_WORDS[kind]; words > 0; words--) {
    end = line.indexOf(' ', end + 1);
    if (end === -1) throw new SnapshotDamagedError(`a line ends too soon: ${line.slice(0, 40)}`);
  }
  return { is: 'record', record: { id: line.slice(0, end), value: line.slice(end + 1) } };
}

function decodeSummary(json: string): SnapshotSummary {
  const parsed = snapshotSummarySchema.safeParse(parseJson(json));
  if (!parsed.success) throw new SnapshotDamagedError('the summary cannot be read');
  return parsed.data;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Everything of a shard that a commit writes and a snapshot keeps, but for what is read at the end anyway. */
export function touchedBy(commit: ShardCommit): RecordId[] {
  const touched: RecordId[] = [];
  for (const change of commit.changes) {
    touched.push(idOf(change));
    if (change.kind === 'pool') touched.push(recordId.sequence(change.pool));
    const receipt = releasedReceipt(change);
    if (receipt !== undefined) touched.push(recordId.receipt(receipt));
  }
  for (const pool of commit.sequences.keys()) touched.push(recordId.sequence(pool));
  for (const { key, created } of commit.outcomes) {
    touched.push(recordId.outcome(key));
    if (created > 0) touched.push(recordId.receipt(key));
  }
  for (const key of commit.forgotten) touched.push(recordId.outcome(key));
  for (const agent of commit.bans.keys()) touched.push(recordId.ban(agent));
  for (const key of commit.buckets.keys()) touched.push(recordId.bucket(key));
  for (const pool of commit.turns.keys()) touched.push(recordId.turn(pool));
  for (const key of commit.fences.keys()) touched.push(recordId.fence(key));
  return touched;
}

function idOf(change: DocumentChange): RecordId {
  const { pool, kind } = change;
  switch (kind) {
    case 'pool':
      return recordId.pool(pool);
    case 'member':
      return recordId.member(pool, changedId(change));
    case 'offer':
      return recordId.offer(pool, changedId(change));
    default:
      return recordId.entity(pool, kind, changedId(change));
  }
}
