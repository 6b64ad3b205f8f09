/** A flow without a story: a few decisions of any type, drawn from the table of all, about what the flow itself has made. */
import { isObject } from '../../../src/protocol/json.ts';
import { drawDecision, type Weights } from '../../kit/decisions/draw.ts';
import type { Claimed, Kind, Scene } from '../../kit/decisions/scene.ts';
import type { Stage } from './stage.ts';

const DECISIONS = 10;

/** What ends or shuts a pool, or puts others out of it, would leave the other flows nothing to do. */
const WEIGHTS: Weights = {
  CreatePool: 0.2,
  JoinPool: 2,
  LeavePool: 0.2,
  ClosePool: 0,
  UpdatePool: 0,
  PausePool: 0,
  ResumePool: 0.2,
  RemoveMember: 0,
  BanAgent: 0,
  UnbanAgent: 0.2,
  SubmitTask: 4,
  ClaimTask: 3,
  ReportTask: 2,
  SubmitBid: 2,
  Vote: 2,
};

export async function anything({ pool, random, agents, newName, decide }: Stage): Promise<void> {
  const names = new Map<Kind, string[]>();
  const held = new Map<string, Claimed>();
  const remember = (kind: Kind, name: string): string => {
    names.set(kind, [...(names.get(kind) ?? []), name]);
    return name;
  };
  for (let i = 0; i < DECISIONS; i++) {
    const agent = random.pick(agents);
    const scene: Scene = {
      random,
      now: Date.now(),
      pool,
      agent,
      agents,
      labels: ['read', 'draw'],
      options: ['red', 'green', 'blue'],
      lasts: () => random.magnitude(300, 5_000),
      name: (kind) => remember(kind, newName()),
      known: (kind) => random.oneOf(names.get(kind) ?? []) ?? `no-${kind}`,
      held: () => held.get(agent),
    };
    const outcome = await decide(
      agent,
      drawDecision(scene, { weights: WEIGHTS, batches: 0.1, onBehalf: 0.05 }),
    );
    if (outcome === undefined) return;
    if (outcome.status !== 'accepted') continue;
    const { data } = outcome;
    if (!isObject(data)) continue;
    if (typeof data.delegationId === 'string') remember('delegation', data.delegationId);
    const { taskId, claim } = data;
    if (typeof taskId !== 'string' || !isObject(claim) || typeof claim.epoch !== 'number') continue;
    held.set(agent, { taskId, epoch: claim.epoch });
  }
}
