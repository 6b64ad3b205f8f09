/**
 * Applies one decision to the world: decide, then evolve by the events, then apply their consequences, up to a bound. Pure
 * in the sense that matters: the same world and decision always give the same world and outcome.
 */

import type { Code } from '../../protocol/codes.ts';
import type { Batch, Decision, SingleDecision } from '../../protocol/decisions/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { MAX_ANSWER_BYTES, MAX_EFFECT_BYTES, MAX_EFFECT_EVENTS } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import { placeOf } from '../../protocol/marks.ts';
import { SHARD_POOL } from '../../protocol/names.ts';
import type { MemberOutcome } from '../../protocol/outcome.ts';
import { actingFor } from '../delegations/principal.ts';
import { whyOver } from '../offers/ended.ts';
import { atWork } from '../offers/evolve.ts';
import { handedTo } from '../offers/handed.ts';
import { matchPools } from '../offers/match-pools.ts';
import { decideForShard } from '../operators/whole-shard.ts';
import { poolKnownTo } from '../pools/access.ts';
import { presenceLapsed } from '../pools/guards.ts';
import { banned, limitedAtOnce, refusedAtOnce, refusedBeforeHandler } from '../pools/preconditions.ts';
import { memoryBefore, overMemory } from '../quotas/memory.ts';
import { applyClock } from '../sweep/clock.ts';
import { applyPressure } from '../sweep/pressure.ts';
import { applySweep, NOTHING_OLD, type OldestKept } from '../sweep/sweep.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { AppliedEvent, World } from '../world/world.ts';
import type { AppliedDecision } from './applied.ts';
import { Budget } from './consequences/budget.ts';
import { causeIn, fenceAt } from './consequences/fences.ts';
import { applyNamed } from './consequences/named.ts';
import { budgetIn, settleInTurn, settlePool } from './consequences/settle.ts';
import { Effects } from './consequences/weights.ts';
import { isRejected, type Rejected, rejected } from './decided.ts';
import type { Context } from './handler.ts';
import { decide } from './registry.ts';

export function applyDecision(
  world: World,
  decision: Decision,
  context: Context,
  oldest: OldestKept = NOTHING_OLD,
): AppliedDecision {
  world.place = placeOf(context);
  world.because = causeIn(context);
  const applied = judge(world, decision, context, oldest);
  world.forgetStirred();
  world.reckonTurns(context.seq);
  return applied;
}

function judge(world: World, decision: Decision, context: Context, oldest: OldestKept): AppliedDecision {
  if (world.bans.has(context.agent)) return rejection(banned(context, context.agent));
  heardFrom(world, context);
  const known = poolKnownTo(world, context);
  const refused = refusedAtOnce(world, decision, context);
  if (refused !== undefined) return rejection(refused);
  world.savepoint();
  try {
    return withMatches(world, decision, applyByType(world, decision, context, known, oldest), context);
  } catch (fault) {
    world.rollback();
    const { code, message } = rejected('internal_error', `could not apply ${decision.type}`);
    return { status: 'rejected', code, message, transient: true, events: [], forgottenOutcomes: 0, fault };
  }
}

function applyByType(
  world: World,
  decision: Decision,
  context: Context,
  known: PoolState | undefined,
  oldest: OldestKept,
): AppliedDecision {
  switch (decision.type) {
    case 'Batch':
      return applyBatch(world, decision, context, known);
    case 'Pressure':
      return { status: 'accepted', events: [], ...applyPressure(world, decision), forgottenOutcomes: 0 };
    case 'Sweep': {
      const swept = applySweep(world, decision, context, oldest);
      return { status: 'accepted', ...swept };
    }
    case 'Clock':
      return applyClock(decision, context);
    case 'Settle': {
      const most = world.settings.consequencesAtOnce;
      const events = settleInTurn(world, context, new Budget(most), new Budget(most));
      return { status: 'accepted', events, forgottenOutcomes: 0 };
    }
    default:
      return context.pool === SHARD_POOL
        ? applyToShard(world, decision, context)
        : applyAlone(world, decision, context, known);
  }
}

/**
 * Hands over what may be handed over now: once for each message, after all that it decided and what follows from that. What
 * its author is handed stands in its outcome.
 */
function withMatches(
  world: World,
  decision: Decision,
  applied: AppliedDecision,
  context: Context,
): AppliedDecision {
  if (applied.status === 'rejected' || decision.type === 'Sweep') return applied;
  // Whatever principal a member of a Batch had: none of them has asked for the claims of others.
  world.because = causeIn(context);
  const budget = new Budget(world.settings.consequencesAtOnce);
  const events = matchPools(world, world.takeUnmatched(context.pool), context.now, budget);
  const handed = handedTo(world, context, events, MAX_ANSWER_BYTES - answerBytes(applied.data));
  if (events.length === 0 && decision.type !== 'StandBy') return applied;
  const data =
    handed.length === 0 && decision.type !== 'StandBy' ? {} : { data: { ...members(applied.data), handed } };
  return { ...applied, events: [...applied.events, ...events], ...data };
}

/** The data of an outcome, to which something is added. */
function members(data: Json | undefined): JsonObject {
  return isJsonObject(data) ? data : {};
}

/** A decision whose id is used by another one: rejected for that, unless its author is rejected altogether. */
export function applyReused(
  world: World,
  decision: Decision | undefined,
  context: Pick<Context, 'pool' | 'agent' | 'now'>,
): AppliedDecision {
  if (world.bans.has(context.agent)) return rejection(banned(context, context.agent));
  heardFrom(world, context);
  const refused =
    decision === undefined
      ? limitedAtOnce(world, undefined, context)
      : refusedAtOnce(world, decision, context);
  return rejection(refused ?? rejected('id_reused', 'the id is used by another decision; choose a new one'));
}

/** An invalid decision: rejected for that, or because its author has sent too many decisions. */
export function applyInvalid(
  world: World,
  invalid: { readonly code: Code; readonly message: string },
  context: Pick<Context, 'pool' | 'agent' | 'now'>,
): AppliedDecision {
  return rejection(limitedAtOnce(world, undefined, context) ?? rejected(invalid.code, invalid.message));
}

function applyToShard(world: World, decision: SingleDecision, context: Context): AppliedDecision {
  const decided = decideForShard(world, decision, context);
  if (isRejected(decided)) return rejection(decided);
  return { status: 'accepted', ...decided, forgottenOutcomes: 0 };
}

/** Any decision of a member counts as a sign of life, even a rejected one. */
function heardFrom(world: World, { pool, agent, now }: Pick<Context, 'pool' | 'agent' | 'now'>): void {
  const state = world.pool(pool);
  const member = state?.membership(agent);
  if (member !== undefined && !presenceLapsed(member, now)) world.heardFrom(pool, agent, now);
  if (state === undefined || !state.offers.has(agent)) return;
  world.changeOffers(pool, agent, now, (offer) =>
    offer.heardAt === now || whyOver(state, offer, now) !== undefined ? offer : { ...offer, heardAt: now },
  );
}

/** Decisions about a claim: who makes one is at work, and can be handed tasks again. */
const OF_CLAIMS: ReadonlySet<SingleDecision['type']> = new Set([
  'ClaimTask',
  'ClaimNextTask',
  'RenewClaim',
  'ReleaseTask',
  'ReportTask',
  'FailTask',
]);

function applyAlone(
  world: World,
  decision: SingleDecision,
  context: Context,
  known: PoolState | undefined,
): AppliedDecision {
  const budget = budgetIn(world, context.pool);
  const applied = applySingle(world, decision, context, known);
  return applied.status === 'rejected' ? applied : withConsequences(world, applied, context, budget);
}

function withConsequences(
  world: World,
  applied: AppliedDecision,
  { pool, now }: Context,
  budget: Budget,
): AppliedDecision {
  const caused = settlePool(world, pool, now, budget);
  return caused.length === 0 ? applied : { ...applied, events: [...applied.events, ...caused] };
}

/** The decision itself, without its consequences. */
function applySingle(
  world: World,
  decision: SingleDecision,
  context: Context,
  known: PoolState | undefined,
  room = Number.POSITIVE_INFINITY,
): AppliedDecision {
  const refused = refusedBeforeHandler(world, decision, context, known);
  if (refused !== undefined) return rejection(refused);
  const acting = actingFor(world, decision, context);
  if (isRejected(acting)) return rejection(acting);
  const isPrincipalBanned = world.pool(acting.pool)?.isBanned(acting.self) ?? world.bans.has(acting.self);
  if (acting.self !== acting.agent && isPrincipalBanned) return rejection(banned(acting, acting.self));
  world.because = causeIn(acting);
  const before = memoryBefore(world, decision.type, acting);
  const mark = world.mark;
  const decided = decide(world, decision, acting);
  if (decided.status === 'rejected') return rejection(decided);
  if (room < MAX_ANSWER_BYTES && answerBytes(decided.data) > room) {
    return rejection(rejected('too_large', 'the outcome of the batch would be too large', true));
  }
  const actedFor = acting.self === acting.agent ? {} : { actedFor: acting.self };
  const applied = decided.events.map((event) => applyNamed(world, context.pool, event, context.now));
  if (OF_CLAIMS.has(decision.type) && acting.self === acting.agent)
    world.changeOffers(context.pool, acting.agent, context.now, atWork);
  if (decided.ends !== undefined)
    world.fence(context.pool, decided.ends.agent, fenceAt(decided.ends, context));
  const tooMuch = overMemory(world, acting, before);
  if (tooMuch !== undefined) {
    world.rollback(mark);
    return rejection(tooMuch);
  }
  const events = inNameOf(actedFor.actedFor, applied);
  const data = decided.data === undefined ? {} : { data: decided.data };
  return { status: 'accepted', events, ...data, ...actedFor, forgottenOutcomes: 0 };
}

/** Events name the principal of a delegate: in a Batch each member may have a different one. */
function inNameOf(principal: string | undefined, events: readonly AppliedEvent[]): readonly AppliedEvent[] {
  if (principal === undefined) return events;
  return events.map((event) => (event.because === undefined ? { ...event, principal } : event));
}

const NO_EVENTS: readonly AppliedEvent[] = [];

function rejection({ code, message, transient, data }: Rejected): AppliedDecision {
  return { status: 'rejected', code, message, transient, data, events: NO_EVENTS, forgottenOutcomes: 0 };
}

function applyBatch(
  world: World,
  batch: Batch,
  context: Context,
  known: PoolState | undefined,
): AppliedDecision {
  const events: AppliedEvent[] = [];
  const outcomes: JsonObject[] = [];
  const effects = new Effects();
  const budget = budgetIn(world, context.pool, effects);
  let room = MAX_ANSWER_BYTES;
  for (const [index, member] of batch.decisions.entries()) {
    world.place = placeOf({ ...context, index });
    const applied = applyMember(world, member, { ...context, index }, known, room, effects);
    room -= answerBytes(applied.data);
    if (batch.atomic === true && applied.status === 'rejected') {
      world.rollback();
      return { ...applied, message: `decisions[${index}]: ${applied.message ?? ''}` };
    }
    const whole =
      applied.status === 'rejected'
        ? applied
        : withConsequences(world, applied, { ...context, index }, budget);
    pushAll(events, whole.events);
    outcomes.push(memberOutcome(member, batch, applied));
  }
  return { status: 'accepted', events, data: { outcomes }, forgottenOutcomes: 0 };
}

/** A member of a Batch: alone any decision fits into a message, but together with the earlier members it may not. */
function applyMember(
  world: World,
  member: SingleDecision,
  context: Context,
  known: PoolState | undefined,
  room: number,
  effects: Effects,
): AppliedDecision {
  const mark = world.mark;
  const applied = applySingle(world, member, context, known, room);
  if (applied.status === 'rejected') return applied;
  if (effects.addIfItFits(world, applied.events)) return applied;
  world.rollback(mark);
  const message = `the effects of the batch would be too large: at most ${MAX_EFFECT_EVENTS} events and ${MAX_EFFECT_BYTES} bytes; send the rest in another`;
  return rejection(rejected('too_large', message, true));
}

/** How much of an outcome the data of one member takes. */
function answerBytes(data: Json | undefined): number {
  return data === undefined ? 0 : Buffer.byteLength(JSON.stringify(data));
}

function memberOutcome(member: SingleDecision, batch: Batch, applied: AppliedDecision): JsonObject {
  return {
    type: member.type,
    id: member.id === batch.id ? undefined : member.id,
    status: applied.status,
    code: applied.code,
    message: applied.message,
    transient: applied.transient === true ? true : undefined,
    data: applied.data,
  } satisfies MemberOutcome;
}
