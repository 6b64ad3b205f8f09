/**
 * Two worlds that differ in one private pool. What is decided in them goes the whole way of a shard worker, from bytes on a
 * subject to the bytes of the outcome, so that what is compared is what an agent would be told.
 */

import type { World as Shard } from '../../../src/handlers/world/world.ts';
import { World } from '../../../src/handlers/world/world.ts';
import { SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { subjects } from '../../../src/protocol/subjects.ts';
import type { Lookup } from '../../../src/state/shard-store.ts';
import { decideBatch, decodeMessages, lookupFor } from '../../../src/workers/shard/decide-batch.ts';
import { ADMISSION, LATER, TOKEN } from '../../../verify/security/private/every-decision.ts';
import { PLACE, START } from '../message.ts';

export const VAULT = 'vault';
const SUBJECTS = subjects(PLACE.namespace);

export interface Said {
  readonly agent: string;
  readonly body: object;
  readonly pool?: string;
  /** Milliseconds after the start. */
  readonly at?: number;
}

/** A shard of which everything is in memory, as its worker sees it. */
export class OneShard {
  readonly world: Shard = World.genesis(PLACE.shard, PLACE.shards);
  #seq = 0;
  #now = START;

  /** The outcome as it is told, without its place in the log; and what was looked up for it. */
  say({ agent, body, pool = VAULT, at }: Said): { readonly told: string; readonly lookup: Lookup } {
    const seq = ++this.#seq;
    this.#now = at === undefined ? this.#now : START + at;
    const isSweep = pool === SHARD_POOL;
    const subject = isSweep
      ? SUBJECTS.shardDecision(PLACE.shard, agent, pool)
      : SUBJECTS.decision(pool, agent, PLACE.shards);
    const data = Buffer.from(JSON.stringify({ id: `d-${seq}`, ...body }));
    const batch = decodeMessages([{ seq, subject, data, at: this.#now }], PLACE);
    const lookup = lookupFor(batch, this.world);
    const context = { now: this.#now, shard: PLACE.shard, subjects: SUBJECTS };
    const { outcomes } = decideBatch(batch, this.world, { outcomes: new Map() }, context);
    this.world.takeChanges();
    const told = [...outcomes.values()].join('\n');
    return {
      told: told
        .replace(/"decisionId":"[\w-]+",/, '')
        .replace(/"body":"[\w-]+",/, '')
        .replace(/"seq":\d+,"at":\d+/, ''),
      lookup,
    };
  }
}

const joins = (agent: string, fields: object = {}): Said => ({
  agent,
  body: { type: 'JoinPool', token: TOKEN, ...fields },
});
const submits = (taskId: string, fields: object = {}): Said => ({
  agent: 'ann',
  body: { type: 'SubmitTask', taskId, objective: 'secret', ...fields },
});
const says = (agent: string, type: string, fields: object = {}): Said => ({
  agent,
  body: { type, ...fields },
});
const opens = (auctionId: string, fields: object = {}): Said =>
  says('ann', 'OpenAuction', { auctionId, kind: 'english', closesAt: LATER, ...fields });
const asks = (voteId: string): Said =>
  says('ann', 'OpenVote', {
    voteId,
    question: 'secret',
    options: ['x', 'y'],
    method: 'plurality',
    closesAt: LATER,
  });

/** Rates that are low enough to be met, of agents and of pools. */
export const LOW_RATES: Said = {
  agent: SWEEPER,
  pool: SHARD_POOL,
  body: {
    type: 'Sweep',
    settings: settingsSchema.parse({ agentDecisionsPerS: 100, poolDecisionsPerS: 50 }),
  },
};

/** What happens in both worlds: agents that are somebody elsewhere, and one that is banned everywhere. */
const OUTSIDE: readonly Said[] = [
  { agent: 'zed', pool: 'zeds', body: { type: 'CreatePool' } },
  { agent: 'zed', pool: 'zeds', body: { type: 'SubmitTask', taskId: 't-own', objective: '' } },
  { agent: '_operator', pool: SHARD_POOL, body: { type: 'BanAgent', agentId: 'sys' } },
];

/** Strangers to the pool, each for another reason. */
export const STRANGERS = {
  'a stranger': 'zed',
  'who has left': 'lee',
  'who was removed': 'rem',
  'whose presence has lapsed': 'abe',
  'who is banned': 'ban',
  'an operator that is banned': 'bop',
  'who is banned everywhere': 'sys',
  'a delegate of narrow scope': 'nar',
  'a delegate of who has left': 'dan',
  'a delegate whose delegation was revoked': 'rev',
  'a delegate whose delegation has expired': 'exp',
} as const;
export type Stranger = keyof typeof STRANGERS;

const GUESTS = ['ann', 'lee', 'rem', 'ban', 'bop', 'nar', 'dan', 'rev', 'exp'] as const;

/** The private pool, with one of everything in it in most states. */
const INSIDE: readonly Said[] = [
  says('owner', 'CreatePool', { admission: ADMISSION, operators: ['op', 'bop'] }),
  ...GUESTS.map((agent) => joins(agent)),
  joins('abe', { presenceMs: 1_000 }),
  ...['t-pending', 't-held', 't-done', 't-sold'].map((id) => submits(id)),
  submits('t-blocked', { dependsOn: ['t-pending'] }),
  says('lee', 'SubmitTask', { taskId: 't-of-lee', objective: '' }),
  says('ann', 'ClaimTask', { taskId: 't-held' }),
  says('ann', 'ClaimTask', { taskId: 't-done' }),
  says('ann', 'ReportTask', { taskId: 't-done', result: 'secret' }),
  opens('a-open'),
  opens('a-over'),
  opens('a-task', { taskId: 't-sold' }),
  says('ann', 'CancelAuction', { auctionId: 'a-over' }),
  asks('v-open'),
  asks('v-over'),
  says('ann', 'CloseVote', { voteId: 'v-over' }),
  says('ann', 'OpenNegotiation', { sessionId: 'n-open', participants: ['ann', 'lee', 'nar'], proposal: 1 }),
  says('ann', 'OpenNegotiation', { sessionId: 'n-over', participants: ['ann', 'lee'], proposal: 1 }),
  says('lee', 'RejectProposal', { sessionId: 'n-over' }),
  says('ann', 'Delegate', { id: 'd-narrow', delegateeId: 'nar', scope: ['Vote:v-elsewhere'] }),
  says('lee', 'Delegate', {
    id: 'd-wide',
    delegateeId: 'dan',
    scope: ['tasks', 'auctions', 'votes', 'negotiations', 'delegations', 'JoinPool', 'PausePool'],
  }),
  says('ann', 'Delegate', { id: 'd-revoked', delegateeId: 'rev', scope: ['tasks', 'votes'] }),
  says('ann', 'RevokeDelegation', { delegationId: 'd-revoked' }),
  says('ann', 'Delegate', {
    id: 'd-expired',
    delegateeId: 'exp',
    scope: ['tasks', 'votes'],
    expiresAt: START + 1_500,
  }),
  ...['lee', 'nar', 'dan', 'rev', 'exp'].map((agent) => says(agent, 'LeavePool')),
  says('owner', 'RemoveMember', { agentId: 'rem' }),
  says('owner', 'BanAgent', { agentId: 'ban' }),
  says('owner', 'BanAgent', { agentId: 'bop' }),
  // Its presence has lapsed by now, and no sweep has said so.
  { ...says('ann', 'Heartbeat'), at: 2_000 },
];

export function worldWithThePool(): OneShard {
  return played([...OUTSIDE, ...INSIDE]);
}

export function worldWithout(): OneShard {
  return played([...OUTSIDE, { agent: 'zed', pool: 'zeds', body: { type: 'Heartbeat' }, at: 2_000 }]);
}

function played(history: readonly Said[]): OneShard {
  const shard = new OneShard();
  for (const said of history) {
    const { told } = shard.say(said);
    const isRefused = told.includes('"status":"rejected"') && JSON.stringify(said.body) !== HEARTBEAT;
    if (isRefused) throw new Error(`${JSON.stringify(said)}: ${told}`);
  }
  return shard;
}

/** Only moves the time on, in the world in which nobody is a member of anything. */
const HEARTBEAT = JSON.stringify({ type: 'Heartbeat' });
