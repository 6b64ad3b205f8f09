import { connect } from 'node:net';
import { after } from '../lib/timers.ts';
import type { ServerAnswer } from './server-answer.ts';

const askTimeoutMs = 2_000;
const longestInfo = 65_536;

/** Asks the servers of a NATS URL, which may list several, one after the other; rejects with the last one's reason. */
export async function askNats(url: string): Promise<ServerAnswer> {
  let lastReason: unknown = new Error('the URL is empty');
  for (const { host, port } of parseNatsUrl(url)) {
    try {
      return await askOne(host, port);
    } catch (reason) {
      lastReason = reason;
    }
  }
  throw lastReason;
}

export interface NatsAddress {
  readonly host: string;
  readonly port: number;
}

/** `nats://a:4222,nats://user:password@b`, and `localhost:4222` without a scheme. */
export function parseNatsUrl(url: string): readonly NatsAddress[] {
  const parts = url.split(',').map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const { hostname, port } = new URL(part.includes('://') ? part : `nats://${part}`);
      return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 4222 : Number(port) };
    });
}

/**
 * A server sends its INFO line before it wants credentials or TLS, so that no more than a TCP connection is needed.
 */
function askOne(host: string, port: number): Promise<ServerAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let received = '';
    const fail = (reason: Error) => {
      reject(reason);
      socket.destroy();
    };
    socket.setEncoding('utf8');
    // A total deadline rather than an idle timeout: a server that drips bytes must not hold us.
    const timer = after(askTimeoutMs, () =>
      fail(new Error(`no NATS INFO from ${host}:${port} within ${askTimeoutMs} ms`)),
    );
    socket.on('error', fail);
    socket.on('close', () => {
      timer.cancel();
      reject(new Error(`${host}:${port} closed the connection without a NATS INFO`));
    });
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n');
      if (end < 0 && received.length < longestInfo) return;
      try {
        resolve(parseNatsInfo(received.slice(0, end)));
      } catch {
        reject(new Error(`${host}:${port} does not speak NATS`));
      }
      socket.destroy();
    });
  });
}

export function parseNatsInfo(line: string): ServerAnswer {
  if (!line.startsWith('INFO ')) throw new Error('not an INFO line');
  const info: unknown = JSON.parse(line.slice('INFO '.length));
  const version = textField(info, 'version');
  // Servers without a configured name use their id for one.
  const identity = textField(info, 'server_name') ?? textField(info, 'server_id');
  if (version === undefined || identity === undefined) throw new Error('INFO without version and name');
  return { product: 'nats-server', version, identity, processId: undefined, ready: true };
}

function textField(info: unknown, field: string): string | undefined {
  if (typeof info !== 'object' || info === null) return undefined;
  const value: unknown = Reflect.get(info, field);
  return typeof value === 'string' ? value : undefined;
}
