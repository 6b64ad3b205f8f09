/** Use of a pool's quotas: numbers and bytes, for each agent and for all. A function of the documents. */
import type { Member, Pool } from '../../protocol/documents.ts';
import {
  type Entity,
  type EntityKind,
  hasEnded,
  isOfKind,
  openerOf,
  refOf,
} from '../../protocol/entities.ts';
import type { Offer } from '../../protocol/offers.ts';
import {
  type Part,
  partsBetween,
  weightOfMember,
  weightOfOffer,
  weightOfOpening,
  weightOfPool,
} from './weights.ts';

/** A sum for each agent, and over all. Agents with nothing are not kept. */
class Sums {
  readonly #of = new Map<string, number>();
  total = 0;

  of(agent: string): number {
    return this.#of.get(agent) ?? 0;
  }

  all(): readonly (readonly [string, number])[] {
    return [...this.#of].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  add(agent: string, amount: number): void {
    this.total += amount;
    const sum = this.of(agent) + amount;
    if (sum === 0) this.#of.delete(agent);
    else this.#of.set(agent, sum);
  }
}

/** The same over all pools of a shard. */
export class ShardUsage {
  readonly bytes = new Sums();
  /** Pools by their owners, also those that are closed and kept. */
  readonly pools = new Sums();
  /** In how many pools each agent has standing offers. */
  readonly offerPools = new Sums();
}

export class Usage {
  readonly open: { readonly [K in EntityKind]: Sums } = {
    task: new Sums(),
    auction: new Sums(),
    vote: new Sums(),
    negotiation: new Sums(),
    delegation: new Sums(),
  };
  readonly bytes = new Sums();
  readonly #ofShard: ShardUsage;

  constructor(ofShard: ShardUsage) {
    this.#ofShard = ofShard;
  }

  /** The pool itself counts in the shard, against its owner: its own quotas are about what is in it. */
  putPool(before: Pool | undefined, after: Pool | undefined): void {
    const { bytes, pools } = this.#ofShard;
    if (before !== undefined) {
      bytes.add(before.owner, -weightOfPool(before));
      pools.add(before.owner, -1);
    }
    if (after !== undefined) {
      bytes.add(after.owner, weightOfPool(after));
      pools.add(after.owner, 1);
    }
  }

  /** Presence changes with every decision, capabilities hardly ever. */
  putMember(before: Member | undefined, after: Member | undefined): void {
    if (before?.capabilities === after?.capabilities) return;
    if (before !== undefined) this.#charge(before.agent, -weightOfMember(before));
    if (after !== undefined) this.#charge(after.agent, weightOfMember(after));
  }

  /** While it has not ended: the part that never changes is its opener's, each contribution its author's. */
  putEntity(before: Entity | undefined, after: Entity | undefined): void {
    const was = hasEnded(before) ? undefined : before;
    const is = hasEnded(after) ? undefined : after;
    if (isOpen(was) && !isOpen(is)) this.open[refOf(was).kind].add(openerOf(was), -1);
    if (!isOpen(was) && isOpen(is)) this.open[refOf(is).kind].add(openerOf(is), 1);
    if (was !== undefined && is === undefined) this.#chargeOpening(was, -1);
    if (was === undefined && is !== undefined) this.#chargeOpening(is, 1);
    const { gone, come } = partsBetween(was, is);
    for (const part of gone) this.#chargePart(part, -1);
    for (const part of come) this.#chargePart(part, 1);
  }

  /** The agent has its first standing offer in the pool, or its last has gone. */
  putStandingBy(agent: string, isStanding: boolean): void {
    this.#ofShard.offerPools.add(agent, isStanding ? 1 : -1);
  }

  /** When something was heard from its agent changes with every decision, what it weighs hardly ever. */
  putOffer(before: Offer | undefined, after: Offer | undefined): void {
    const isSame = before?.passed === after?.passed && before?.topics === after?.topics;
    if (before !== undefined && after !== undefined && isSame) return;
    if (before !== undefined) this.#charge(before.agent, -weightOfOffer(before));
    if (after !== undefined) this.#charge(after.agent, weightOfOffer(after));
  }

  /** Size shared by the tasks of several agents. */
  putShared(bytes: number): void {
    this.bytes.total += bytes;
    this.#ofShard.bytes.total += bytes;
  }

  #chargeOpening(entity: Entity, sign: 1 | -1): void {
    const agent = openerOf(entity);
    this.#charge(agent, sign * weightOfOpening(entity));
  }

  #chargePart({ agent, bytes }: Part, sign: 1 | -1): void {
    this.#charge(agent, sign * bytes);
  }

  #charge(agent: string, bytes: number): void {
    this.bytes.add(agent, bytes);
    this.#ofShard.bytes.add(agent, bytes);
  }
}

/** An auction counts until it closes, even if its winner has not started yet. */
function isOpen(entity: Entity | undefined): entity is Entity {
  return entity !== undefined && (!isOfKind('auction', entity) || entity.state === 'open');
}
