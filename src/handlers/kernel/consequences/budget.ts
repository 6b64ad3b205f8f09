/** How much of what follows from a message is settled with it: so many consequences, and so many bytes. */
import { LARGEST_CONSEQUENCE_BYTES, MAX_EFFECT_BYTES } from '../../../protocol/limits.ts';
import type { AppliedEvent, World } from '../../world/world.ts';
import { Effects } from './weights.ts';

export class Budget {
  #left: number;
  readonly #direct: Effects;
  readonly #caused = new Effects();

  /** `direct`: what the decisions of the message weigh themselves, as far as they are applied. */
  constructor(most: number, direct: Effects = new Effects()) {
    this.#left = most;
    this.#direct = direct;
  }

  /** Room for another one. The last may weigh as much as any single consequence does. */
  get isSpent(): boolean {
    const bytes = this.#direct.bytes + this.#caused.bytes;
    return this.#left <= 0 || bytes + LARGEST_CONSEQUENCE_BYTES > MAX_EFFECT_BYTES;
  }

  /** From here on at most so many. */
  cap(most: number): void {
    this.#left = Math.min(this.#left, most);
  }

  spend(world: World, applied: readonly AppliedEvent[]): void {
    this.#left -= applied.length;
    this.#caused.add(world, applied);
  }
}
