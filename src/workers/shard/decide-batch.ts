/**
 * Decides one batch of the log on the shard's world: pure, except that it changes this world. The result holds everything
 * that the commit writes and everything that is published after it.
 */
import type { LogMessage } from '../../bus/log-reader.ts';
import type { AppliedDecision } from '../../handlers/kernel/applied.ts';
import { applyDecision, applyInvalid, applyReused } from '../../handlers/kernel/apply.ts';
import { touches } from '../../handlers/kernel/registry.ts';
import { AccessAhead } from '../../handlers/pools/access-ahead.ts';
import { NOTHING_OLD, type OldestKept } from '../../handlers/sweep/sweep.ts';
import type { World } from '../../handlers/world/world.ts';
import { isOfSystem } from '../../protocol/decisions/index.ts';
import { type Decoded, decode, type LogPlace } from '../../protocol/decode.ts';
import { type EntityRef, entityRef, KINDS, refOf } from '../../protocol/entities.ts';
import { bodyHash, bodyOf, decisionKey } from '../../protocol/outcome.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { outcomeBytes } from '../../state/keys.ts';
import type { WriteBounds } from '../../state/script-writer.ts';
import type { Found, Lookup, OutcomeRecord } from '../../state/shard-store.ts';
import { CommitSize } from './commit-size.ts';
import type { Answer, DeadLetter } from './outbox.ts';
import { type Pack, packsOf } from './packs.ts';
import { type Applied, type RenderedEvent, renderEvents, renderOutcome } from './render.ts';

export interface DecodedMessage {
  readonly message: LogMessage;
  readonly decoded: Decoded;
}

/** The result of one message, for logs and counters. */
export interface Decision {
  readonly applied: Applied;
  readonly result: AppliedDecision;
}

export interface DecidedBatch {
  /** How many messages of the batch were decided: the commit has no room for later ones. */
  readonly taken: number;
  /** Upper bound of the size of its commit. */
  readonly size: CommitSize;
  /** Log time after the batch. */
  readonly now: number;
  readonly decisions: readonly Decision[];
  /** Keys of outcomes to send: of new decisions and of those that were sent again. */
  readonly results: readonly string[];
  /** The outcomes of {@link results}, as JSON. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Outcomes that are published but not stored: their ids belong to other decisions. */
  readonly refusals: readonly Answer[];
  readonly records: readonly OutcomeRecord[];
  readonly events: readonly RenderedEvent[];
  /** The same, as they are published. */
  readonly packs: readonly Pack[];
  readonly deadLetters: readonly DeadLetter[];
  readonly forgottenOutcomes: number;
  readonly repeated: number;
}

export function decodeMessages(messages: readonly LogMessage[], place: LogPlace): DecodedMessage[] {
  return messages.map((message) => ({ message, decoded: decode(message.subject, message.data, place) }));
}

export function isSweep({ decoded }: DecodedMessage): boolean {
  return decoded.kind === 'decision' && decoded.decision.type === 'Sweep';
}

/** A Sweep without `until`: one with `until` may leave due entities that others wait for. */
export function isWholeSweep({ decoded }: DecodedMessage): boolean {
  if (decoded.kind !== 'decision' || decoded.decision.type !== 'Sweep') return false;
  return decoded.decision.until === undefined;
}

/** It has no outcome, so nothing of it is stored, and applying it twice is harmless. */
function isSettle(decoded: Decoded): boolean {
  return decoded.kind === 'decision' && decoded.decision.type === 'Settle';
}

/**
 * Keys of the outcomes, and the entities that the batch needs and the world may not hold. Nothing is looked up for agents
 * to which access is denied.
 */
export function lookupFor(batch: readonly DecodedMessage[], world: World): Lookup {
  const outcomes: string[] = [];
  const entities = new Map<string, Map<string, EntityRef>>();
  const access = new AccessAhead(world, batch[0]?.message.at ?? 0);
  for (const { decoded } of batch) {
    if (decoded.kind === 'dead' || isSettle(decoded)) continue;
    const { agent, pool } = decoded.address;
    if (decoded.kind === 'rejected') {
      outcomes.push(decisionKey(pool, agent, decoded.id));
      continue;
    }
    const { decision } = decoded;
    outcomes.push(decisionKey(pool, agent, decision.id));
    const state = world.pool(pool);
    if (isOfSystem(decision) || state === undefined) continue;
    for (const single of decision.type === 'Batch' ? decision.decisions : [decision]) {
      if (!access.lets(single, pool, agent)) continue;
      for (const ref of touches(single)) {
        if (!state.entities[ref.kind].has(ref.id)) addTo(entities, pool, ref);
      }
    }
  }
  return { outcomes, entities: new Map([...entities].map(([pool, refs]) => [pool, [...refs.values()]])) };
}

/** Each once, however many name it. */
function addTo(wanted: Map<string, Map<string, EntityRef>>, pool: string, ref: EntityRef): void {
  const key = entityRef(ref.kind, ref.id);
  const refs = wanted.get(pool);
  if (refs === undefined) wanted.set(pool, new Map([[key, ref]]));
  else refs.set(key, ref);
}

/** Ended entities are in the world only while a batch needs them. */
export function loadFound(world: World, { entities }: Pick<Found, 'entities'>): void {
  for (const entity of entities) {
    const state = world.pool(entity.pool);
    const { kind, id } = refOf(entity);
    if (state !== undefined && !state.entities[kind].has(id)) world.loadEntity(state, entity);
  }
}

export function decideBatch(
  batch: readonly DecodedMessage[],
  world: World,
  found: Pick<Found, 'outcomes'>,
  context: {
    readonly now: number;
    readonly shard: number;
    readonly subjects: Subjects;
    readonly oldest?: OldestKept;
    /** Messages whose stamp does not count: log time does not change. */
    readonly isDistrusted?: (seq: number) => boolean;
    /** The batch is cut when its commit holds this much. */
    readonly cut?: WriteBounds;
  },
): DecidedBatch {
  let now = context.now;
  let repeated = 0;
  let forgottenOutcomes = 0;
  const decisions: Decision[] = [];
  const results: string[] = [];
  const outcomes = new Map<string, string>();
  const refusals: Answer[] = [];
  const records: OutcomeRecord[] = [];
  const events: RenderedEvent[] = [];
  const deadLetters: DeadLetter[] = [];
  const size = new CommitSize(context.cut);
  let taken = 0;
  for (const { message, decoded } of batch) {
    if (taken > 0 && size.isPassed) break;
    taken++;
    if (context.isDistrusted?.(message.seq) !== true) now = Math.max(now, message.at, carriedTime(decoded));
    if (decoded.kind === 'dead') {
      deadLetters.push({ seq: message.seq, reason: decoded.reason });
      size.addLine();
      continue;
    }
    const applied = appliedAs(decoded, message, now, context.shard);
    if (isSettle(decoded)) {
      const result = judge(decoded, world, applied, NOTHING_OLD);
      const rendered = renderEvents(applied, result.events, context.subjects);
      size.add({ bytes: message.data.byteLength, pool: applied.pool, events: rendered }, world.takeTouched());
      for (const event of rendered) events.push(event);
      decisions.push({ applied, result });
      continue;
    }
    const key = decisionKey(applied.pool, applied.agent, applied.decisionId);
    const known = outcomes.get(key) ?? found.outcomes.get(key);
    if (known !== undefined && bodyOf(known) !== applied.body) {
      const result = refuseReused(decoded, world, applied);
      const json = renderOutcome(applied, result, []);
      const outcome = { key, json, isReceipt: false };
      size.add({ bytes: message.data.byteLength, pool: applied.pool, outcome }, world.takeTouched());
      refusals.push({ key, json });
      decisions.push({ applied, result });
      continue;
    }
    results.push(key);
    if (known !== undefined) {
      repeated++;
      size.addLine();
      outcomes.set(key, known);
      continue;
    }
    const result = judge(decoded, world, applied, context.oldest ?? NOTHING_OLD);
    const rendered = renderEvents(applied, result.events, context.subjects);
    const json = renderOutcome(applied, result, rendered);
    outcomes.set(key, json);
    const created = result.events.filter(({ event }) => CREATING.has(event.type)).length;
    size.add(
      {
        bytes: message.data.byteLength,
        pool: applied.pool,
        outcome: { key, json, isReceipt: created > 0 },
        events: rendered,
        forgottenOutcomes: result.forgottenOutcomes,
      },
      world.takeTouched(),
    );
    records.push({ key, json, at: now, created });
    remember(world, now, outcomeBytes(key, json));
    for (const event of rendered) events.push(event);
    forgottenOutcomes += result.forgottenOutcomes;
    decisions.push({ applied, result });
  }
  return {
    taken,
    size,
    now,
    decisions,
    results,
    outcomes,
    refusals,
    records,
    events,
    packs: packsOf(events),
    deadLetters,
    forgottenOutcomes,
    repeated,
  };
}

/** The time that a decision of the system carries, because the log's clock is behind. */
export function carriedTime(decoded: Decoded): number {
  if (decoded.kind !== 'decision') return 0;
  const { decision } = decoded;
  return decision.type === 'Sweep' || decision.type === 'Settle' ? (decision.at ?? 0) : 0;
}

/** Outcomes of decisions that created something are stored for as long as that exists, if that is longer. */
const CREATING: ReadonlySet<string> = new Set(
  ['pool.created'].concat(Object.values(KINDS).map(({ madeBy }) => madeBy)),
);

function remember({ outcomes }: World, at: number, bytes: number): void {
  outcomes.count++;
  outcomes.bytes += bytes;
  outcomes.oldestAt ??= at;
}

function appliedAs(
  decoded: Exclude<Decoded, { kind: 'dead' }>,
  { seq, data }: LogMessage,
  at: number,
  shard: number,
): Applied {
  const { agent, pool } = decoded.address;
  const body = bodyHash(data);
  if (decoded.kind === 'rejected') {
    return { decisionId: decoded.id, type: decoded.type, agent, pool, body, shard, seq, at };
  }
  const { decision } = decoded;
  return { decisionId: decision.id, type: decision.type, agent, pool, body, shard, seq, at };
}

function refuseReused(
  decoded: Exclude<Decoded, { kind: 'dead' }>,
  world: World,
  { pool, agent, at }: Applied,
): AppliedDecision {
  const decision = decoded.kind === 'rejected' ? undefined : decoded.decision;
  return applyReused(world, decision, { pool, agent, now: at });
}

function judge(
  decoded: Exclude<Decoded, { kind: 'dead' }>,
  world: World,
  applied: Applied,
  oldest: OldestKept,
): AppliedDecision {
  if (decoded.kind === 'rejected') {
    return applyInvalid(world, decoded, { pool: applied.pool, agent: applied.agent, now: applied.at });
  }
  const { decisionId, agent, pool, shard, seq, at } = applied;
  const context = { now: at, shard, seq, index: 0, pool, agent, self: agent, decisionId };
  return applyDecision(world, decoded.decision, context, oldest);
}
