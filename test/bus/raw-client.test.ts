import { expect, it } from 'vitest';
import { useSystem } from '../support/system.ts';

const system = useSystem();

it('a client that knows only the protocol joins, submits, claims, reports and reads its results', async () => {
  const space = system.space();
  await space.worker();
  const [owner, solver] = [await space.agent('owner'), await space.agent('solver')];
  expect(await owner.decide('lab', { type: 'CreatePool', topics: ['chemistry'] })).toMatchObject({
    type: 'CreatePool',
    agent: 'owner',
    pool: 'lab',
    status: 'accepted',
    data: { pool: 'lab' },
  });
  const joined = await solver.decide('lab', { type: 'JoinPool', capabilities: ['titrate'] });
  expect(joined.status).toBe('accepted');
  const submitted = await owner.decide('lab', {
    type: 'SubmitTask',
    taskId: 't-1',
    objective: 'find the pH',
    inputs: { sample: 7 },
    requiredCapabilities: ['titrate'],
  });
  expect(submitted).toMatchObject({ status: 'accepted', data: { taskId: 't-1', state: 'pending' } });
  const claimed = await solver.decide('lab', { type: 'ClaimNextTask' });
  expect(claimed.data.tasks).toMatchObject([{ taskId: 't-1', inputs: { sample: 7 }, claim: { epoch: 1 } }]);
  const reported = await solver.decide('lab', {
    type: 'ReportTask',
    taskId: 't-1',
    epoch: 1,
    result: { pH: 6.5 },
  });
  expect(reported.status).toBe('accepted');
  expect(await owner.query('task', { pool: 'lab', taskId: 't-1' })).toMatchObject({
    ok: { state: 'completed', result: { pH: 6.5 }, finishedBy: 'solver' },
  });
  await space.published();
  expect((await space.events()).map(({ type, sequence }) => [type, Number(sequence)])).toEqual([
    ['converge.pool.created', 1],
    ['converge.member.joined', 2],
    ['converge.task.submitted', 3],
    ['converge.task.claimed', 4],
    ['converge.task.completed', 5],
  ]);
});
