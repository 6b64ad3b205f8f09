/** Which inputs a run tries. */
import { TARGETS } from './targets/index.ts';

export interface Part {
  readonly target: string;
  readonly from: number;
  readonly count: number;
}

/** So many inputs in all, to each target its share; what rounding leaves goes to the first. */
export function planOf(inputs: number): Part[] {
  const parts = TARGETS.map(({ name, share }) => ({
    target: name,
    from: 0,
    count: Math.floor(inputs * share),
  }));
  const left = inputs - parts.reduce((sum, { count }) => sum + count, 0);
  return parts.map((part, i) => (i === 0 ? { ...part, count: part.count + left } : part));
}
