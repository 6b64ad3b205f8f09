/**
 * A reverse auction for a task, in one call: whoever asks least gets it. The cheapest painter never starts, so that the
 * task goes on to the next one, who does it.
 *
 * Run it against `converge dev`: node dist/examples/contract-net.js
 */
import { BiddingProtocol, TaskManager } from '../src/index.ts';
import { play, runIfStarted, type Scene, say } from './example.ts';

interface Painter {
  readonly name: string;
  readonly asks: number;
  readonly works: boolean;
}

const PAINTERS: readonly Painter[] = [
  { name: 'sleepy', asks: 20, works: false },
  { name: 'brush', asks: 25.5, works: true },
  { name: 'deluxe', asks: 60, works: true },
];

export async function main(url: string): Promise<void> {
  const names = PAINTERS.map(({ name }) => name);
  await play(url, 'painters', names, async (scene) => {
    const painters = PAINTERS.map((painter) => offersItsWork(scene, painter));
    const result = await new BiddingProtocol(scene.as('host')).contractNet({
      pool: scene.pool,
      task: { objective: 'Paint the fence', inputs: { colour: 'green' } },
      bidMs: 2_000,
      claimTtlMs: 1_500,
      onAwarded: ({ winner, price }) => say('host', `goes to ${winner}, for ${price}`),
    });
    if (result.state !== 'started') throw new Error(`nobody paints: ${result.state}`);
    say('host', `${result.awarded.winner} has started; passed over: ${result.passedOver.join(', ')}`);

    await Promise.all(painters);
    const task = await new TaskManager(scene.as('host')).getTask(result.taskId, { pool: scene.pool });
    say('host', task?.state === 'completed' ? `painted: ${JSON.stringify(task.result)}` : `${task?.state}`);
  });
}

/** Bids for what is announced; when it wins, the task's claim is its own already. Goes home when the task is done. */
async function offersItsWork(scene: Scene, { name, asks, works }: Painter): Promise<void> {
  const { pool } = scene;
  const bidding = new BiddingProtocol(scene.as(name));
  const tasks = new TaskManager(scene.as(name));
  for await (const { type, subject, data } of scene.events(name)) {
    if (type === 'converge.task.completed') return;
    if (type === 'converge.auction.opened') {
      say(name, `I can do it for ${asks}`);
      await bidding.submitBid(subject.slice('auction/'.length), asks, { pool });
    }
    if (type !== 'converge.auction.awarded' || data.winner !== name || !works) continue;
    const taskId = String(data.taskId);
    await tasks.renew(taskId, { pool, progress: 0, note: 'mixing paint' });
    say(name, 'painting');
    await tasks.report(taskId, { coats: 2 }, { pool });
  }
}

runIfStarted(import.meta.url, main);
