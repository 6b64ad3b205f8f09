import { expect, it } from 'vitest';
import type { Body } from '../message.ts';
import { by, given } from '../scenario.ts';

it.each<Body>([
  { type: 'SubmitTask', taskId: 't-1', objective: 'o' },
  { type: 'ClaimTask', taskId: 't-1' },
  { type: 'ClaimNextTask' },
  { type: 'RenewClaim', taskId: 't-1' },
  { type: 'ReleaseTask', taskId: 't-1' },
  { type: 'ReportTask', taskId: 't-1', result: 1 },
  { type: 'FailTask', taskId: 't-1', reason: 'r' },
  { type: 'CancelTask', taskId: 't-1' },
])('$type in a pool that there is not is pool_not_found', (body) => {
  const { answer } = given().when(by('ann', body, 'nowhere'));
  expect(answer).toMatchObject({ status: 'rejected', code: 'pool_not_found' });
});
