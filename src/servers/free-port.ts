import { createServer } from 'node:net';
import { ServerStartError } from './errors.ts';

/**
 * Ports below the range from which systems take the local ends of outgoing connections (32768 and up on Linux, 49152
 * and up elsewhere). A port from that range can be lost to any outgoing connection while a server restarts, and a
 * client that keeps reconnecting to it may even be connected to itself, which looks like a server and blocks the port.
 */
const firstPort = 20_000;
const portCount = 12_000;

// A random start keeps processes apart, counting from there keeps the calls of one process apart.
let next = Math.floor(Math.random() * portCount);

/** A loopback port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < portCount; tried += 1) {
    const port = firstPort + next;
    next = (next + 1) % portCount;
    if (await isFreePort(port)) return port;
  }
  throw new ServerStartError(`no free port on 127.0.0.1 from ${firstPort} to ${firstPort + portCount - 1}`);
}

export function isFreePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
