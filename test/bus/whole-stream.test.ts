/**
 * nats-server knows a stream a moment before it can read from it, and a request for a message in that moment ends it. Several
 * workers of a new system are started at once, so that one of them asks about what another one is creating.
 */
import { setImmediate } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { expect, it } from 'vitest';
import { messageOfStream, subjectsOfStream } from '../../src/bus/whole-stream.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();
const STREAMS = 150;

it('whoever reads from a stream that another connection is creating does not end the server', async () => {
  const connections = await Promise.all(
    Array.from({ length: 4 }, () => connect({ servers: system.servers.nats.url })),
  );
  const readers = await Promise.all(connections.map((connection) => jetstreamManager(connection)));
  for (let i = 0; i < STREAMS; i++) {
    const name = `HASTY_${i}`;
    let isCreating = true;
    const read = async (jsm: (typeof readers)[number], turn: number): Promise<void> => {
      while (isCreating) {
        const reading =
          turn % 2 === 0
            ? messageOfStream(jsm, name, { last_by_subj: `hasty.${i}` })
            : subjectsOfStream(jsm, name, '>');
        // There is no such stream yet, or no message.
        await reading.catch(() => undefined);
        await setImmediate();
      }
    };
    const reading = readers.map(read);
    await system.jsm.streams.add({ name, subjects: [`hasty.${i}`] });
    isCreating = false;
    await Promise.all(reading);
  }
  await Promise.all(connections.map((connection) => connection.close()));
  expect(system.servers.nats.pid).toBeGreaterThan(0);
  expect((await system.jsm.getAccountInfo()).streams).toBe(STREAMS);
}, 120_000);
