/** Which tasks wait for an agent, as the events tell. Tasks with the same requirements in one pool stand together. */
import type { ConvergeEvent } from '../../src/protocol/event.ts';
import { type PlannedTask, requirementKey } from '../workload.ts';

export interface Notice {
  readonly pool: string;
  readonly requires: PlannedTask['requires'];
  /** Tasks that wait. */
  readonly tasks: Set<string>;
  /** Claims that agents are asking for at this moment because of them. */
  asked: number;
}

export class NoticeBoard {
  readonly #notices = new Map<string, Notice>();
  /** Where each unfinished task belongs. */
  readonly #noticeOf = new Map<string, Notice>();

  /** Those with tasks that wait and for which nobody is asking yet. */
  *open(): Iterable<Notice> {
    for (const notice of this.#notices.values()) if (notice.tasks.size > notice.asked) yield notice;
  }

  /** An agent was told that it has the task: no need to wait for the event. */
  take(pool: string, taskId: string): void {
    this.#noticeOf.get(`${pool}/${taskId}`)?.tasks.delete(taskId);
  }

  follow(pool: string, taskId: string, verb: string, { data, time }: ConvergeEvent): void {
    const key = `${pool}/${taskId}`;
    switch (verb) {
      case 'submitted':
        this.#noticeOf.set(key, this.#notice(pool, requirementsIn(data.requiredCapabilities)));
        if (data.state === 'pending') this.#put(key, taskId);
        return;
      case 'unblocked':
        if (data.state === 'pending') this.#put(key, taskId);
        return;
      case 'retried':
        if (typeof data.readyAt === 'number' && data.readyAt <= Date.parse(time)) this.#put(key, taskId);
        return;
      case 'released':
      case 'expired':
        this.#put(key, taskId);
        return;
      case 'claimed':
        this.take(pool, taskId);
        return;
      case 'completed':
      case 'failed':
      case 'cancelled':
        this.take(pool, taskId);
        this.#noticeOf.delete(key);
        return;
    }
  }

  #put(key: string, taskId: string): void {
    this.#noticeOf.get(key)?.tasks.add(taskId);
  }

  #notice(pool: string, requires: PlannedTask['requires']): Notice {
    const key = `${pool} ${requirementKey({ requires })}`;
    const known = this.#notices.get(key);
    if (known !== undefined) return known;
    const notice: Notice = { pool, requires, tasks: new Set(), asked: 0 };
    this.#notices.set(key, notice);
    return notice;
  }
}

function requirementsIn(value: unknown): string[][] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown) => (Array.isArray(entry) ? entry.map(String) : [String(entry)]));
}
