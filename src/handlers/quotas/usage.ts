/** What of a pool's quotas is used: how many and how much of each agent, and of all. A function of the documents. */
import { isFinal, type Task } from '../../protocol/documents.ts';
import type { Entity, EntityKind } from '../../protocol/entities.ts';

interface Charged {
  readonly agent: string;
  readonly bytes: number;
}

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

export class Usage {
  readonly open: { readonly [K in EntityKind]: Sums } = {
    auction: new Sums(),
    vote: new Sums(),
    negotiation: new Sums(),
    delegation: new Sums(),
  };
  readonly bytes = new Sums();
  /** Whose each unfinished task and open thing is; with bytes only while somebody limits them, for they cost to count. */
  readonly #charged = new Map<string, Charged>();
  #countsBytes = false;

  get countsBytes(): boolean {
    return this.#countsBytes;
  }

  /** Begins or ends to count bytes; when it begins, everything that is there is put in again. */
  countBytes(wanted: boolean, tasks: Iterable<Task>, entities: Iterable<Entity>): void {
    if (wanted === this.#countsBytes) return;
    this.#countsBytes = wanted;
    if (!wanted) for (const key of [...this.#charged.keys()]) this.#charge(key, undefined);
    else {
      for (const task of tasks) this.putTask(task.taskId, task);
      for (const entity of entities) this.#chargeEntity(entity.kind, entity.id, entity);
    }
  }

  /** What an unfinished task takes does not change: it is weighed once. */
  putTask(taskId: string, after: Task | undefined): void {
    if (!this.#countsBytes) return;
    const key = `t/${taskId}`;
    if (after === undefined || isFinal(after)) this.#charge(key, undefined);
    else if (!this.#charged.has(key)) this.#charge(key, { agent: after.submitter, bytes: weightOf(after) });
  }

  putEntity(kind: EntityKind, id: string, before: Entity | undefined, after: Entity | undefined): void {
    if (before !== undefined && before.finishedAt === undefined) this.open[kind].add(openerOf(before), -1);
    if (after !== undefined && after.finishedAt === undefined) this.open[kind].add(openerOf(after), 1);
    if (this.#countsBytes) this.#chargeEntity(kind, id, after);
  }

  #chargeEntity(kind: EntityKind, id: string, entity: Entity | undefined): void {
    const isLive = entity !== undefined && entity.finishedAt === undefined;
    const charged = isLive ? { agent: openerOf(entity), bytes: bytesOf(entity) } : undefined;
    this.#charge(`${kind}/${id}`, charged);
  }

  #charge(key: string, charged: Charged | undefined): void {
    const before = this.#charged.get(key);
    if (before !== undefined) this.bytes.add(before.agent, -before.bytes);
    if (charged === undefined) this.#charged.delete(key);
    else {
      this.#charged.set(key, charged);
      this.bytes.add(charged.agent, charged.bytes);
    }
  }
}

/** What of a task its submitter chose. */
export function weightOf(task: Pick<Task, 'objective' | 'inputs' | 'evaluator'>): number {
  const { objective, inputs, evaluator } = task;
  return bytesOf({ objective, inputs, evaluator });
}

export function bytesOf(what: object): number {
  return Buffer.byteLength(JSON.stringify(what));
}

function openerOf(entity: Entity): string {
  return entity.kind === 'delegation' ? entity.delegatorId : entity.opener;
}
