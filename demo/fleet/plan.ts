import { isObject } from '../../src/protocol/json.ts';
import type { Plan } from '../workload.ts';

/** What a task's `inputs` say its agent is to do; a task of anybody else's is simply done. */
export function planOf(inputs: unknown): Plan {
  const { end, workMs, failFirst } = isObject(inputs) ? inputs : {};
  return {
    end: end === 'fail' || end === 'wait' ? end : 'complete',
    workMs: typeof workMs === 'number' ? workMs : 0,
    failFirst: typeof failFirst === 'number' ? failFirst : 0,
  };
}
