import { expect, it } from 'vitest';
import { Mailbox } from '../../src/client/agent/mailbox.ts';
import type { ConvergeEvent } from '../../src/protocol/event.ts';

function event(id: string): ConvergeEvent {
  return {
    specversion: '1.0',
    id,
    type: 'converge.task.submitted',
    source: '/pools/p',
    subject: 'task/t',
    time: '',
    datacontenttype: 'application/json',
    sequence: '1',
    causationid: 'd',
    actor: 'ada',
    data: {},
  };
}

it('whoever fills a mailbox waits until it is emptied, and nothing is dropped', async () => {
  const mailbox = new Mailbox(2);
  await mailbox.put(event('a'));
  let hasRoom = false;
  const room = mailbox.put(event('b')).then(() => {
    hasRoom = true;
  });
  await Promise.resolve();
  expect(hasRoom).toBe(false);
  expect(mailbox.takeAll().map(({ id }) => id)).toEqual(['a', 'b']);
  await room;
  expect(mailbox.takeAll()).toEqual([]);
});
