/**
 * Tasks as their events tell of them: at most one claim at a time, epochs that only rise, nothing from a claim that is
 * over, and nothing after the end. The same for whatever else is opened and ends once.
 */
import type { ConvergeEvent } from '../../src/protocol/event.ts';
import type { Report } from './violation.ts';

interface Claim {
  readonly agent: string;
  readonly epoch: number;
  readonly expiresAt: number;
}

interface History {
  epoch: number;
  claim: Claim | undefined;
  isFinal: boolean;
}

/** The holder's own word, which counts only while its claim is current. */
const OF_HOLDER = new Set(['renewed', 'released', 'retried', 'completed']);
const ENDS_CLAIM = new Set(['released', 'expired', 'retried', 'completed', 'failed', 'cancelled']);
const FINAL: Readonly<Record<string, ReadonlySet<string>>> = {
  task: new Set(['completed', 'failed', 'cancelled']),
  auction: new Set(['awarded', 'unsold', 'cancelled']),
  vote: new Set(['closed']),
  negotiation: new Set(['accepted', 'rejected', 'expired']),
};
const BEGINS = new Set(['submitted', 'opened']);

export function checkClaims(events: readonly ConvergeEvent[], report: Report): void {
  const histories = new Map<string, History>();
  for (const event of events) {
    const [, entity = '', verb = ''] = event.type.split('.');
    if (!(entity in FINAL)) continue;
    const key = `${event.source}/${event.subject}`;
    for (const what of faultsOf(event, entity, verb, key, histories)) {
      report({
        class: 'staleWrites',
        rule: entity === 'task' ? 'claim' : 'ended',
        about: event.id,
        what: `${event.type} of ${key}: ${what}`,
      });
    }
  }
}

function faultsOf(
  { data, time }: ConvergeEvent,
  entity: string,
  verb: string,
  key: string,
  histories: Map<string, History>,
): string[] {
  const known = histories.get(key);
  if (BEGINS.has(verb)) {
    histories.set(key, { epoch: 0, claim: undefined, isFinal: false });
    return known === undefined ? [] : ['it exists already'];
  }
  if (known === undefined) return ['it does not exist'];
  if (verb === 'removed') {
    histories.delete(key);
    return known.isFinal ? [] : ['it has not ended'];
  }
  // A winner may lose what it has won, and then the next one has it.
  if (known.isFinal && !(entity === 'auction' && (verb === 'awarded' || verb === 'unsold')))
    return ['it has ended'];
  const faults = entity === 'task' ? taskFaults(verb, data, Date.parse(time), known) : [];
  if (FINAL[entity]?.has(verb) === true) known.isFinal = true;
  return faults;
}

function taskFaults(verb: string, data: ConvergeEvent['data'], at: number, task: History): string[] {
  const faults: string[] = [];
  const { claim } = task;
  const epoch = Number(data.epoch);
  if (verb === 'claimed') {
    if (claim !== undefined) faults.push(`${claim.agent} holds it`);
    if (epoch <= task.epoch) faults.push(`epoch ${epoch} after ${task.epoch}`);
    task.epoch = epoch;
    task.claim = { agent: String(data.agent), epoch, expiresAt: Number(data.expiresAt) };
    return faults;
  }
  if (OF_HOLDER.has(verb)) {
    if (claim === undefined) faults.push('nobody holds it');
    else if (claim.agent !== data.agent || claim.epoch !== epoch)
      faults.push(
        `${String(data.agent)} with epoch ${epoch}, but ${claim.agent} holds it with ${claim.epoch}`,
      );
    else if (isOwnWord(verb, data) && at >= claim.expiresAt)
      faults.push(`at ${at}, but the claim was over at ${claim.expiresAt}`);
  } else if (data.epoch !== undefined && (claim?.agent !== data.agent || claim?.epoch !== epoch)) {
    faults.push(`of a claim of ${String(data.agent)} with epoch ${epoch} that is not the current one`);
  }
  if (verb === 'expired' && claim !== undefined && at < claim.expiresAt)
    faults.push(`at ${at}, but the claim lasts until ${claim.expiresAt}`);
  if (verb === 'renewed' && claim !== undefined) task.claim = { ...claim, expiresAt: Number(data.expiresAt) };
  if (ENDS_CLAIM.has(verb)) task.claim = undefined;
  return faults;
}

/** Who leaves a pool, or is not heard from, gives back what it holds without a word of its own. */
function isOwnWord(verb: string, data: ConvergeEvent['data']): boolean {
  return verb !== 'released' || data.why === 'released';
}
