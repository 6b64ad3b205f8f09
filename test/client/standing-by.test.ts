/** Standing by on a running system: what is handed over, what the queries show, and how it ends. */
import { expect, it } from 'vitest';
import { acceptedOrThrow, PoolManager, TaskManager } from '../../src/client/index.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();

async function pairIn(pool: string) {
  const [ada, bob] = await Promise.all([system.client(fresh('ada')), system.client(fresh('bob'))]);
  acceptedOrThrow(await new PoolManager(ada).createPool(pool));
  acceptedOrThrow(await new PoolManager(bob).joinPool(pool, { capabilities: ['gpu'] }));
  return { ada: new TaskManager(ada), bob: new TaskManager(bob), agent: bob.agent, client: ada };
}

it('an agent stands by, is handed the next task with each report, and stands down', async () => {
  const pool = fresh('pool');
  const { ada, bob, agent, client } = await pairIn(pool);
  expect(await bob.offers({ pool: fresh('none') })).toBeUndefined();
  const stood = acceptedOrThrow(await bob.standBy({ pool, topics: ['maps'], places: 1 }));
  const { offer } = stood.data.offer;
  expect(stood.data).toMatchObject({ offer: { agent, offerId: 'main', places: 1 }, handed: [] });
  expect(await bob.offers({ pool })).toEqual({ items: [stood.data.offer] });
  expect((await client.query('stats', { pool })).pools).toMatchObject([{ pool, offers: 1 }]);

  for (const taskId of ['t-1', 't-2', 't-3'])
    acceptedOrThrow(
      await ada.submit({ taskId, objective: taskId, topic: 'maps', inputs: { of: taskId } }, { pool }),
    );
  expect(await ada.getTask('t-1', { pool })).toMatchObject({
    state: 'assigned',
    claim: { agent, offer, unstarted: true },
  });
  acceptedOrThrow(await bob.renew('t-1', { pool }));
  const reported = acceptedOrThrow(await bob.report('t-1', 'done', { pool }));
  expect(reported.data).toMatchObject({ handed: [{ taskId: 't-2', offer, inputs: { of: 't-2' } }] });
  const taken = acceptedOrThrow(await bob.claim('t-2', { pool, epoch: 1 }));
  expect(taken.data).toMatchObject({ taskId: 't-2', claim: { epoch: 2 } });

  const down = acceptedOrThrow(await bob.standDown({ pool }));
  expect(down.data).toEqual({ offer, unstarted: [] });
  expect(await bob.offers({ pool })).toEqual({ items: [] });
  expect(await bob.standDown({ pool })).toMatchObject({ status: 'rejected', code: 'offer_not_found' });
});

it('what was handed over and is not begun goes to another, by the sweep', async () => {
  const pool = fresh('pool');
  const { ada, bob, agent, client } = await pairIn(pool);
  acceptedOrThrow(await new PoolManager(client).updatePool(pool, { startWithinMs: 1_000 }));
  acceptedOrThrow(await bob.standBy({ pool, places: 2 }));
  acceptedOrThrow(await ada.submit({ taskId: 't', objective: '' }, { pool }));
  await expect
    .poll(async () => await ada.getTask('t', { pool }), { timeout: 20_000 })
    .toMatchObject({ state: 'pending', unstarted: 1, expiries: 0 });
  expect(await bob.offers({ pool })).toMatchObject({ items: [{ agent, resting: true, passed: ['t'] }] });
  const next = acceptedOrThrow(await bob.claimNext({ pool }));
  expect(next.data.tasks).toMatchObject([{ taskId: 't' }]);
  expect((await bob.offers({ pool }))?.items[0]).not.toHaveProperty('resting');
});
