import { expect, it } from 'vitest';
import { closeNats, connectNats } from '../../src/bus/connection.ts';
import { UnavailableError } from '../../src/lib/errors.ts';
import { useSystem } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const system = useSystem();
/** Longer than a test may take: nobody waits for it. */
const NEVER_MS = 300_000;

it('a request whose connection breaks fails then, and not when its time is over; the next one is answered', async () => {
  const proxy = await TcpProxy.start(system, system.servers.nats.url);
  const connection = await connectNats({ url: proxy.url, name: 'asks', pingMs: 300 });
  system.onEndOfTest(() => closeNats(connection));
  let asked = 0;
  const service = system.nats.subscribe('asked', {
    callback: (_error, message) => {
      if (asked++ > 0) message.respond('answer');
    },
  });
  system.onEndOfTest(async () => service.unsubscribe());
  await system.nats.flush();

  const waiting = connection.request('asked', '', { timeout: NEVER_MS });
  const refused = expect(waiting).rejects.toThrow(UnavailableError);
  await until('it to be asked', () => asked > 0);
  proxy.strandConnections();
  await refused;
  const answer = await until('an answer', () => connection.request('asked', '').catch(() => undefined));
  expect(answer.string()).toBe('answer');
});
