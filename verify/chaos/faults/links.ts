/** Faults of connections between any two parts. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../kit/chance/random.ts';
import type { Link } from '../system/link.ts';
import { type Fault, type Stricken, someWorker } from './fault.ts';

const HELD_MS = 2_000;
const RECOVERS_WITHIN_MS = 30_000;
const SIDES = ['worker-nats', 'worker-redis', 'agents-nats'] as const;

async function someLink(stricken: Stricken): Promise<Link> {
  const worker = await someWorker(stricken);
  return linkOf(stricken.random, {
    'worker-nats': worker.toNats,
    'worker-redis': worker.toRedis,
    'agents-nats': stricken.system.agentsToNats,
  });
}

function linkOf(random: Random, links: Readonly<Record<(typeof SIDES)[number], Link>>): Link {
  return links[random.pick(SIDES)];
}

const slow: Fault = {
  kind: 'link-slow',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const link = await someLink(stricken);
    const at = Date.now();
    link.delayMs = 50 + stricken.random.integer(400);
    await delay(HELD_MS);
    link.delayMs = 0;
    return at;
  },
};

const reset: Fault = {
  kind: 'link-reset',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const link = await someLink(stricken);
    const at = Date.now();
    for (let i = 0; i < 5; i++) {
      link.reset();
      await delay(stricken.random.integer(300));
    }
    return at;
  },
};

const refused: Fault = {
  kind: 'link-refused',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const link = await someLink(stricken);
    link.isRefusing = true;
    link.reset();
    await delay(HELD_MS);
    link.isRefusing = false;
    return Date.now();
  },
};

/** Nothing arrives for a while, then everything does. */
const stalled: Fault = {
  kind: 'link-stalled',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const link = await someLink(stricken);
    link.stalled = true;
    await delay(HELD_MS);
    link.stalled = false;
    return Date.now();
  },
};

function halfOpen(kind: string, linkFor: (stricken: Stricken) => Promise<Link>): Fault {
  return {
    kind,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    async inject(stricken) {
      const link = await linkFor(stricken);
      link.strand();
      return Date.now();
    },
  };
}

/** Somebody committed, and only the answer was lost; or nobody did. */
function commitLost(kind: string, losesReply: boolean): Fault {
  return {
    kind,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    async inject(stricken) {
      const worker = await someWorker(stricken);
      const at = Date.now();
      for (let i = 0; i < 3; i++) {
        worker.toRedis.cutAt({
          passes: (piece) =>
            piece.includes('EVALSHA') && piece.includes(':s:meta')
              ? losesReply
                ? piece.length
                : 0
              : undefined,
          losesReply,
          onCut: () => undefined,
        });
        await delay(400);
      }
      worker.toRedis.uncut();
      return at;
    },
  };
}

export const LINK_FAULTS: readonly Fault[] = [
  slow,
  reset,
  refused,
  stalled,
  halfOpen('link-half-open-nats', async (stricken) => (await someWorker(stricken)).toNats),
  halfOpen('link-half-open-redis', async (stricken) => (await someWorker(stricken)).toRedis),
  halfOpen('link-half-open-agents', async ({ system }) => system.agentsToNats),
  commitLost('commit-reply-lost', true),
  commitLost('commit-request-lost', false),
];
