/** A private pool of ann's with one of everything in it, and a name on the same shard that no pool has. */
import type { ConvergeClient } from '../../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../../src/client/core/outcomes.ts';
import type { BatchInput, DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import { ADMISSION, LATER, TOKEN } from './every-decision.ts';

export interface Safe {
  readonly pool: string;
  /** As long as the name of the pool, and nothing has it. */
  readonly nowhere: string;
}

const opens = (auctionId: string, fields: object = {}): DecisionInput => ({
  type: 'OpenAuction',
  auctionId,
  kind: 'english',
  closesAt: LATER,
  ...fields,
});
const asks = (voteId: string): DecisionInput => ({
  type: 'OpenVote',
  voteId,
  question: 'secret',
  options: ['x', 'y'],
  method: 'plurality',
  closesAt: LATER,
});

const HOLDINGS: readonly DecisionInput[] = [
  { type: 'JoinPool', token: TOKEN },
  ...['t-pending', 't-held', 't-done', 't-sold'].map(
    (taskId): DecisionInput => ({ type: 'SubmitTask', taskId, objective: 'secret' }),
  ),
  { type: 'SubmitTask', id: 'd-secret', taskId: 't-blocked', objective: 'secret', dependsOn: ['t-pending'] },
  { type: 'ClaimTask', taskId: 't-held', claimTtlMs: 3_600_000 },
  { type: 'ClaimTask', taskId: 't-done' },
  { type: 'ReportTask', taskId: 't-done', result: 'secret' },
  opens('a-open'),
  opens('a-over'),
  opens('a-task', { taskId: 't-sold' }),
  { type: 'CancelAuction', auctionId: 'a-over' },
  asks('v-open'),
  asks('v-over'),
  { type: 'CloseVote', voteId: 'v-over' },
  { type: 'OpenNegotiation', sessionId: 'n-open', participants: ['ann', 'gus'], proposal: 'secret' },
  { type: 'OpenNegotiation', sessionId: 'n-over', participants: ['ann', 'gus'], proposal: 'secret' },
  { type: 'Delegate', id: 'd-narrow', delegateeId: 'gus', scope: ['Vote:v-elsewhere'] },
];

/** `gus` was a member, and is a delegate of narrow scope now; ann's outcomes are asked for by their ids. */
export async function fillSafe(ann: ConvergeClient, gus: ConvergeClient, shards: number): Promise<Safe> {
  const pool = `safe-${ann.newId().slice(-8)}`;
  const nowhere = nameOnShardOf(pool, shards);
  const say = async (client: ConvergeClient, decision: DecisionInput | BatchInput): Promise<void> => {
    acceptedOrThrow(await client.decide(pool, decision));
  };
  await say(ann, { type: 'CreatePool', admission: ADMISSION });
  await say(gus, { type: 'JoinPool', token: TOKEN });
  for (const decision of HOLDINGS) await say(ann, decision);
  await say(gus, { type: 'RejectProposal', sessionId: 'n-over' });
  await say(gus, { type: 'LeavePool' });
  return { pool, nowhere };
}

function nameOnShardOf(pool: string, shards: number): string {
  for (let i = 0; ; i++) {
    const name = `none-${String(i).padStart(pool.length - 5, '0')}`;
    if (shardOf(name, shards) === shardOf(pool, shards)) return name;
  }
}
