import type { ConvergeEvent } from '../src/protocol/event.ts';
import { ENDINGS, type Ending } from './workload.ts';

/** How far the play has come, as the events tell. */
export class Scoreboard {
  readonly total: number;
  submitted = 0;
  held = 0;
  readonly ended: Record<Ending, number> = { completed: 0, failed: 0, cancelled: 0 };

  constructor(total: number) {
    this.total = total;
  }

  get finished(): number {
    return ENDINGS.reduce((sum, ending) => sum + this.ended[ending], 0);
  }

  /** From 0 to 1. */
  get progress(): number {
    return this.finished / this.total;
  }

  /** Everything is submitted, and what has not ended is held by somebody. */
  get isAllHeld(): boolean {
    const left = this.total - this.finished;
    return this.submitted === this.total && left > 0 && this.held >= left;
  }

  follow(verb: string, { data }: ConvergeEvent): void {
    switch (verb) {
      case 'submitted':
        this.submitted++;
        return;
      case 'claimed':
        this.held++;
        return;
      case 'released':
      case 'retried':
      case 'expired':
        this.held--;
        return;
      case 'completed':
      case 'failed':
      case 'cancelled':
        this.ended[verb]++;
        if (data.epoch !== undefined) this.held--;
        return;
    }
  }
}
