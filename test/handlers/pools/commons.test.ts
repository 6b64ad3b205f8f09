import { describe, it } from 'vitest';
import { at, by, given, sweep } from '../scenario.ts';

const C = 'commons';
const submit = (agent: string, taskId: string, requiredCapabilities: string[] = []) =>
  by(agent, { type: 'SubmitTask', taskId, objective: '', requiredCapabilities }, C);
const claim = (agent: string, taskId: string) => by(agent, { type: 'ClaimTask', taskId }, C);
const report = (agent: string, taskId: string) => by(agent, { type: 'ReportTask', taskId, result: 1 }, C);

describe('commons', () => {
  it('everyone is a member without joining', () => {
    given()
      .when(by('bob', { type: 'Heartbeat' }, C))
      .thenEvents()
      .when(submit('ann', 't-1'))
      .thenEvents('task.submitted t-1')
      .when(claim('bob', 't-1'))
      .thenEvents('task.claimed t-1')
      .when(report('bob', 't-1'))
      .thenEvents('task.completed t-1');
  });

  it('missing_capability until an agent joins and says what it can do', () => {
    given(submit('ann', 't-1', ['rust']))
      .when(claim('bob', 't-1'))
      .thenRejected('missing_capability')
      .given(by('bob', { type: 'JoinPool', capabilities: ['rust'] }, C))
      .when(claim('bob', 't-1'))
      .thenEvents('task.claimed t-1');
  });

  it('leaving takes the capabilities and the claims, and leaves what everyone has', () => {
    given(by('bob', { type: 'JoinPool', capabilities: ['rust'] }, C), submit('ann', 't-1', ['rust']))
      .given(claim('bob', 't-1'), submit('ann', 't-2'))
      .when(by('bob', { type: 'LeavePool' }, C))
      .thenEvents('member.left bob', 'task.released t-1')
      .when(claim('bob', 't-1'))
      .thenRejected('missing_capability')
      .when(claim('bob', 't-2'))
      .thenEvents('task.claimed t-2');
  });

  it('not_a_member: what was not joined cannot be left', () => {
    given()
      .when(by('bob', { type: 'LeavePool' }, C))
      .thenRejected('not_a_member');
  });

  it('not_allowed: nobody closes it', () => {
    given()
      .when(by('bob', { type: 'ClosePool' }, C))
      .thenRejected('not_allowed');
  });

  it('a lapsed presence ends what was joined, and leaves what everyone has, swept or not', () => {
    const setUp = () =>
      given(by('bob', { type: 'JoinPool', capabilities: ['rust'], presenceMs: 100 }, C)).given(
        submit('ann', 't-1', ['rust']),
        submit('ann', 't-2'),
        claim('bob', 't-1'),
        at(100),
      );
    for (const scenario of [setUp(), setUp().given(sweep())]) {
      scenario
        .when(claim('bob', 't-1'))
        .thenRejected('missing_capability')
        .when(claim('bob', 't-2'))
        .thenEvents('task.claimed t-2')
        .given(sweep())
        .thenTask('t-1', { state: 'pending' }, C)
        .when(report('bob', 't-2'))
        .thenEvents('task.completed t-2');
    }
  });

  it('claims that were made after a presence lapsed count for the limit, swept or not', () => {
    const setUp = () => given(by('bob', { type: 'JoinPool', presenceMs: 100 }, C), at(100));
    for (const scenario of [setUp(), setUp().given(sweep())]) {
      for (let i = 0; i < 11; i++)
        scenario.given(...Array.from({ length: 100 }, (_, n) => submit('ann', `t-${i}-${n}`)));
      for (let i = 0; i < 10; i++) scenario.given(by('bob', { type: 'ClaimNextTask', limit: 100 }, C));
      scenario.when(by('bob', { type: 'ClaimNextTask' }, C)).thenRejected('claim_limit_reached');
    }
  });

  it('joining again after a lapse, before the sweep, keeps the claims that were made since', () => {
    given(by('bob', { type: 'JoinPool', presenceMs: 100 }, C), submit('ann', 't-1'), submit('ann', 't-2'))
      .given(claim('bob', 't-1'), at(100), claim('bob', 't-2'))
      .when(by('bob', { type: 'JoinPool' }, C))
      .thenEvents('member.expired bob', 'member.joined bob', 'task.released t-1')
      .when(report('bob', 't-2'))
      .thenEvents('task.completed t-2');
  });
});
