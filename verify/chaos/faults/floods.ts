/**
 * More at once than anybody sends, to workers whose heap is small. Each has a pool of its own, and what it brought is ended
 * before the next begins; agents in other pools have to be answered all the while.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { PoolStats } from '../../../src/protocol/queries.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import { poolsOnEveryShard } from '../load/probes.ts';
import type { Decision } from '../load/sender.ts';
import { type Fault, type Stricken, someWorker } from './fault.ts';

const RECOVERS_WITHIN_MS = 20_000;
const TAKES_AT_MOST_MS = 300_000;
/** Submitting all of it, and telling all that follows. */
const TOLD_WITHIN_MS = 60_000;
const POLL_MS = 200;
const IN_BATCH = 100;
const BURST = 60_000;
const CONSEQUENCES = 20_000;
const CLAIMED_POOLS = 5;
const CLAIMS_IN_POOL = 1_000;
const CLAIM_MS = 600_000;
const INPUT_CHARS = 64 * 1024;
/** It stops when it is refused everywhere, which takes seconds where nothing else is at work. */
const FLOODED_FOR_MS = 150_000;
const FLOODERS_OF_POOL = 24;
/** After the first refusal it does not stop at once: refusing must not cost more than it saves. */
const REFUSED_EACH = 20;

let used = 0;

/** A name that no fault of this process has used. */
function fresh(prefix: string): string {
  return `${prefix}-${used++}`;
}

type Fields = Omit<Decision, 'id'> & { readonly type: string };

/** One agent that owns a pool, and is a member of it. */
class Owner {
  readonly agent: string;
  readonly pool: string;
  readonly #stricken: Stricken;
  #ids = 0;

  constructor(stricken: Stricken, agent: string, pool: string) {
    this.#stricken = stricken;
    this.agent = agent;
    this.pool = pool;
  }

  get shard(): number {
    return shardOf(this.pool, this.#stricken.system.shards);
  }

  async begin(): Promise<void> {
    await this.accepted({ type: 'CreatePool' });
    await this.accepted({ type: 'JoinPool' });
  }

  async decide(fields: Fields): Promise<Outcome | undefined> {
    return await this.#stricken.sender.decide(this.agent, this.pool, { id: `f${this.#ids++}`, ...fields });
  }

  async accepted(fields: Fields): Promise<void> {
    const outcome = await this.decide(fields);
    if (outcome?.status !== 'accepted')
      throw new Error(`${fields.type} in ${this.pool} was ${outcome?.code ?? 'not answered'}`);
  }

  /** All at once, a hundred in a message; answers how many were accepted. */
  async submit(count: number, task: object): Promise<number> {
    const taken = await Promise.all(
      Array.from({ length: Math.ceil(count / IN_BATCH) }, async (_, batch) => {
        const first = batch * IN_BATCH;
        const decisions = Array.from({ length: Math.min(IN_BATCH, count - first) }, (_unused, i) => ({
          type: 'SubmitTask',
          taskId: `t${first + i}`,
          objective: 'o',
          ...task,
        }));
        return acceptedIn(await this.decide({ type: 'Batch', decisions }));
      }),
    );
    return taken.reduce((sum, accepted) => sum + accepted, 0);
  }

  /** Whether this comes to hold of the tasks of the pool, in time. */
  async comesTo(holds: (tasks: PoolStats['tasks']) => boolean): Promise<boolean> {
    const { queries } = this.#stricken.system;
    const deadline = Date.now() + TOLD_WITHIN_MS;
    while (Date.now() < deadline) {
      const stats = await queries
        .ask('stats', { pool: this.pool }, { timeoutMs: 5_000 })
        .catch(() => undefined);
      const [found] = stats?.pools ?? [];
      if (found !== undefined && holds(found.tasks)) return true;
      await delay(POLL_MS);
    }
    return false;
  }
}

function acceptedIn(outcome: Outcome | undefined): number {
  const data = outcome?.data;
  const members: unknown =
    typeof data === 'object' && data !== null ? Reflect.get(data, 'outcomes') : undefined;
  if (!Array.isArray(members)) return 0;
  return members.filter(
    (member: unknown) =>
      typeof member === 'object' && member !== null && Reflect.get(member, 'status') === 'accepted',
  ).length;
}

/** `bring` does it; what it did not bring about it violates. */
function flood(kind: string, bring: (stricken: Stricken) => Promise<void>): Fault {
  return {
    kind,
    floods: true,
    takesAtMostMs: TAKES_AT_MOST_MS,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    async inject(stricken) {
      await bring(stricken);
      return Date.now();
    },
  };
}

/** Then the pool is closed: one message that ends them all. */
const burst = flood('burst-of-tasks', async (stricken) => {
  const owner = new Owner(stricken, 'burster', fresh('burst'));
  await owner.begin();
  const since = Date.now();
  const accepted = await owner.submit(BURST, {});
  if (accepted !== BURST)
    stricken.violate('no_effect', `${accepted} of ${BURST} tasks of a burst were accepted`);
  if (!(await owner.comesTo(({ pending }) => pending === accepted)))
    stricken.violate('burst', `${owner.pool} does not have the ${accepted} tasks that were accepted`);
  // Behind the burst, in its own shard, whoever comes later waits: there is one order.
  stricken.othersWent(since, owner.shard);
  await close(stricken, owner, accepted);
});

async function close(stricken: Stricken, owner: Owner, tasks: number): Promise<void> {
  const since = Date.now();
  await owner.accepted({ type: 'ClosePool' });
  const isTold = await owner.comesTo(({ pending, cancelled }) => pending === 0 && cancelled === tasks);
  if (!isTold)
    stricken.violate('consequences', `closing ${owner.pool} did not cancel its ${tasks} tasks in time`);
  stricken.othersWent(since);
}

const closed = flood('close-pool-of-20000', async (stricken) => {
  const owner = new Owner(stricken, 'closer', fresh('closed'));
  await owner.begin();
  const accepted = await owner.submit(CONSEQUENCES, {});
  if (accepted !== CONSEQUENCES)
    stricken.violate('no_effect', `${accepted} of ${CONSEQUENCES} tasks were accepted`);
  await close(stricken, owner, accepted);
});

const rootCancelled = flood('cancel-root-of-20000', async (stricken) => {
  const owner = new Owner(stricken, 'canceller', fresh('rooted'));
  await owner.begin();
  await owner.accepted({ type: 'SubmitTask', taskId: 'root', objective: 'o' });
  const accepted = await owner.submit(CONSEQUENCES, { dependsOn: ['root'] });
  if (accepted !== CONSEQUENCES || !(await owner.comesTo(({ blocked }) => blocked === accepted)))
    stricken.violate('no_effect', `${accepted} of ${CONSEQUENCES} dependents were accepted and are blocked`);
  const since = Date.now();
  await owner.accepted({ type: 'CancelTask', taskId: 'root' });
  const isTold = await owner.comesTo(({ blocked, cancelled }) => blocked === 0 && cancelled === accepted + 1);
  if (!isTold)
    stricken.violate(
      'consequences',
      `not all ${accepted} dependents of a cancelled root were cancelled in time`,
    );
  stricken.othersWent(since);
});

/** Whoever holds thousands of claims is banned: all of them go back, in several pools of a shard. */
const holderBanned = flood('ban-holder-of-5000', async (stricken) => {
  const { system, sender } = stricken;
  const { subjects, shards } = system;
  const holder = fresh('holder');
  const owners: Owner[] = [];
  while (owners.length < CLAIMED_POOLS) {
    const owner = new Owner(stricken, 'giver', fresh('claimed'));
    if (owners.length === 0 || owner.shard === owners[0]?.shard) owners.push(owner);
  }
  await Promise.all(
    owners.map(async (owner) => {
      await owner.begin();
      await owner.submit(CLAIMS_IN_POOL, {});
      const claiming = new Owner(stricken, holder, owner.pool);
      await claiming.accepted({ type: 'JoinPool' });
      for (let i = 0; i < CLAIMS_IN_POOL / IN_BATCH; i++)
        await claiming.accepted({ type: 'ClaimNextTask', limit: IN_BATCH, claimTtlMs: CLAIM_MS });
      if (!(await owner.comesTo(({ assigned }) => assigned === CLAIMS_IN_POOL)))
        stricken.violate('no_effect', `${holder} does not hold the ${CLAIMS_IN_POOL} tasks of ${owner.pool}`);
    }),
  );
  const since = Date.now();
  const shard = shardOf(owners[0]?.pool ?? '', shards);
  const decision = JSON.stringify({ id: fresh('ban'), type: 'BanAgent', agentId: holder });
  void sender.publish(subjects.shardDecision(shard, '_operator', '_shard'), decision);
  const given = await Promise.all(
    owners.map((owner) =>
      owner.comesTo(({ pending, assigned }) => assigned === 0 && pending === CLAIMS_IN_POOL),
    ),
  );
  if (given.includes(false))
    stricken.violate('consequences', `claims of ${holder}, who is banned, did not all go back in time`);
  stricken.othersWent(since);
  await Promise.all(owners.map((owner) => close(stricken, owner, CLAIMS_IN_POOL)));
});

/** Into every shard of one worker, which has to refuse in time to stay alive. */
const heavyTasks = flood('flood-of-64k-tasks', async (stricken) => {
  const { system } = stricken;
  const worker = (await system.busiestWorker()) ?? (await someWorker(stricken));
  const pools = poolsOnEveryShard(fresh('flooded'), system.shards);
  const owners = (await system.shardsOf(worker)).map(
    (shard) => new Owner(stricken, 'flooder', pools[shard] ?? ''),
  );
  await Promise.all(owners.map((owner) => owner.begin()));
  const since = Date.now();
  const floods = await Promise.all(owners.map((owner) => fill(owner, since + FLOODED_FOR_MS)));
  const refusals = floods.flatMap(({ refused }) => refused);
  if (refusals.length === 0)
    stricken.violate('no_effect', `a flood of ${INPUT_CHARS} characters a task was accepted whole`);
  const mute = refusals.find((refusal) => !saysWhy(refusal));
  if (mute !== undefined)
    stricken.violate('flood', `the flooder was refused without being told why: ${JSON.stringify(mute)}`);
  stricken.othersWent(since);
  await Promise.all(owners.map((owner, i) => close(stricken, owner, floods[i]?.accepted ?? 0)));
  await roomAgain(stricken, owners);
});

function saysWhy({ code, message, data }: Outcome): boolean {
  const quota: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'quota') : undefined;
  return code === 'rate_limited' && message !== undefined && message !== '' && typeof quota === 'string';
}

async function fill(
  owner: Owner,
  until: number,
): Promise<{ readonly accepted: number; readonly refused: Outcome[] }> {
  const refused: Outcome[] = [];
  let accepted = 0;
  let next = 0;
  const inputs = 'x'.repeat(INPUT_CHARS);
  const flooding = async (): Promise<void> => {
    while (refused.length < REFUSED_EACH && Date.now() < until) {
      const task = { type: 'SubmitTask', taskId: `t${next++}`, objective: 'o', inputs };
      const outcome = await owner.decide(task);
      if (outcome?.status === 'accepted') accepted++;
      else if (outcome !== undefined) refused.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: FLOODERS_OF_POOL }, flooding));
  return { accepted, refused };
}

/** What was refused because memory was short is taken again when it is not. */
async function roomAgain(stricken: Stricken, owners: readonly Owner[]): Promise<void> {
  for (const { shard } of owners) {
    const pool = poolsOnEveryShard(fresh('after'), stricken.system.shards)[shard] ?? '';
    const owner = new Owner(stricken, 'successor', pool);
    const deadline = Date.now() + TOLD_WITHIN_MS;
    let isTaken = false;
    while (!isTaken && Date.now() < deadline) {
      const outcome = await owner.decide({ type: 'CreatePool' });
      isTaken = outcome?.status === 'accepted';
      if (!isTaken) await delay(POLL_MS);
    }
    if (!isTaken) stricken.violate('flood', `shard ${shard} takes nothing although what filled it has ended`);
  }
}

export const FLOOD_FAULTS: readonly Fault[] = [burst, closed, rootCancelled, holderBanned, heavyTasks];
