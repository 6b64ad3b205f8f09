/**
 * Whether events tell of a history that the rules allow (I2, I4): the events of a pool are numbered without gaps, a task
 * has at most one claim at a time, its epochs only rise, only the claim that is current is renewed or ended, and what is
 * final stays as it is. Returns what is wrong, for the first few events that are.
 */
import type { Event } from './system.ts';

interface TaskHistory {
  epoch: number;
  claim: { agent: string; epoch: number } | undefined;
  isFinal: boolean;
}

const MOST_FAULTS = 5;
const OF_CLAIM = new Set(['renewed', 'released', 'expired', 'retried', 'completed']);
const ENDS_CLAIM = new Set(['released', 'expired', 'retried', 'completed', 'failed', 'cancelled']);
const FINAL = new Set(['completed', 'failed', 'cancelled']);

export function faultsIn(events: readonly Event[]): string[] {
  const faults: string[] = [];
  const sequences = new Map<string, number>();
  const tasks = new Map<string, TaskHistory>();
  for (const event of events) {
    const last = sequences.get(event.source) ?? 0;
    const sequence = Number(event.sequence);
    // A pool that was removed and created again begins anew.
    const begins = event.type === 'converge.pool.created' && sequence === 1;
    if (sequence !== last + 1 && !begins) faults.push(`${event.source}: ${sequence} after ${last}`);
    sequences.set(event.source, sequence);
    const fault = event.type.startsWith('converge.task.') ? taskFault(event, tasks) : undefined;
    if (fault !== undefined)
      faults.push(`${event.id} ${event.type} ${event.source} ${event.subject}: ${fault}`);
    if (faults.length >= MOST_FAULTS) break;
  }
  return faults;
}

function taskFault(
  { source, subject, type, data }: Event,
  tasks: Map<string, TaskHistory>,
): string | undefined {
  const verb = type.slice('converge.task.'.length);
  const key = `${source}/${subject}`;
  const task = tasks.get(key);
  if (verb === 'submitted') {
    tasks.set(key, { epoch: 0, claim: undefined, isFinal: false });
    return task === undefined ? undefined : 'it exists already';
  }
  if (task === undefined) return 'it does not exist';
  if (verb === 'removed') {
    tasks.delete(key);
    return task.isFinal ? undefined : 'it is not final';
  }
  if (task.isFinal) return 'it is final';
  const fault = claimFault(verb, data, task);
  if (verb === 'claimed') {
    task.claim = { agent: data.agent, epoch: data.epoch };
    task.epoch = data.epoch;
  }
  if (ENDS_CLAIM.has(verb)) task.claim = undefined;
  task.isFinal = FINAL.has(verb);
  return fault;
}

function claimFault(verb: string, data: Event['data'], { claim, epoch }: TaskHistory): string | undefined {
  if (verb === 'claimed') {
    if (claim !== undefined) return `${claim.agent} holds it`;
    return data.epoch > epoch ? undefined : `epoch ${data.epoch} after ${epoch}`;
  }
  const isAboutClaim = OF_CLAIM.has(verb) || data.epoch !== undefined;
  if (!isAboutClaim) return claim === undefined || verb === 'failed' ? undefined : `${claim.agent} holds it`;
  const isCurrent = claim?.agent === data.agent && claim?.epoch === data.epoch;
  return isCurrent ? undefined : `${data.agent} does not hold it with epoch ${data.epoch}`;
}
