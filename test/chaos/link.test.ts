/** The links that chaos breaks: what they let through has to be what a real connection would. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Link } from '../../verify/chaos/system/link.ts';
import { until } from '../support/until.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function linked(): Promise<{ link: Link; client: Socket; received: () => string }> {
  let text = '';
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (piece) => {
        text += piece.toString();
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const link = await Link.start(`tcp://127.0.0.1:${port}`);
  closing.push(() => link.close());
  const client = connect({ port: Number(new URL(link.url).port), host: '127.0.0.1', noDelay: true });
  await once(client, 'connect');
  closing.push(() => client.destroy());
  return { link, client, received: () => text };
}

it('a link that was slow and is not any more still lets the first in first', async () => {
  const { link, client, received } = await linked();
  client.write('0');
  await until('the first piece', () => received() === '0');
  for (const [piece, delayMs] of [
    ['1', 120],
    ['2', 60],
    ['3', 0],
  ] as const) {
    link.delayMs = delayMs;
    const passed = nextPiece(link);
    client.write(piece);
    await passed;
  }
  await until('all pieces', () => received().length === 4);
  expect(received()).toBe('0123');
});

it('a link that stalls lets everything through, in order, when it goes on', async () => {
  const { link, client, received } = await linked();
  link.stalled = true;
  for (const piece of ['1', '2']) {
    const passed = nextPiece(link);
    client.write(piece);
    await passed;
  }
  expect(received()).toBe('');
  link.stalled = false;
  const passed = nextPiece(link);
  client.write('3');
  await passed;
  await until('all pieces', () => received().length === 3);
  expect(received()).toBe('123');
});

/** Resolves when the link has seen the next piece that the client sends. */
function nextPiece(link: Link): Promise<void> {
  return new Promise((resolve) => {
    link.cutAt({
      passes: () => {
        link.uncut();
        resolve();
        return undefined;
      },
      losesReply: false,
      onCut: () => undefined,
    });
  });
}
