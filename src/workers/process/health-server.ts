import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly port: number;
  readonly host: string;
  /** The token that everything but `/livez` requires (`Authorization: Bearer …`). Without one, loopback needs none. */
  readonly token?: string | undefined;
  /** Names by which it may be asked besides those of loopback and of the address itself. */
  readonly hosts?: readonly string[] | undefined;
  readonly registry: Registry;
  /** Why the worker is not ready; empty when it is. */
  readonly notReady: () => readonly string[];
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** `/livez`: the process answers. `/readyz`: it can do its work, or why not. `/metrics`: Prometheus' text format. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const isAdmitted = admission(options.token, options.host);
  const server = createServer(TIMEOUTS, async (request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'GET only\n');
    if (request.url !== '/livez' && !isAdmitted(request.headers.authorization)) {
      response.setHeader('www-authenticate', 'Bearer');
      return send(401, 'text/plain', `missing or invalid bearer token (CONVERGE_HTTP_TOKEN)\n`);
    }
    if (request.url !== '/livez' && options.token === undefined && !isKnownHost(request, options)) {
      const reason = 'unknown Host header: CONVERGE_HTTP_HOSTS lists the accepted names\n';
      return send(421, 'text/plain', reason);
    }
    switch (request.url) {
      case '/livez':
        return send(200, 'text/plain', 'ok\n');
      case '/readyz': {
        const reasons = options.notReady();
        return send(
          reasons.length === 0 ? 200 : 503,
          'application/json',
          `${JSON.stringify({ ready: reasons.length === 0, reasons })}\n`,
        );
      }
      case '/metrics':
        try {
          return send(200, options.registry.contentType, await options.registry.metrics());
        } catch {
          return send(503, 'text/plain', 'could not read the metrics\n');
        }
      default:
        return send(404, 'text/plain', 'not found\n');
    }
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  const address = await listen(server, options.port, options.host);
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Nobody holds a socket with half a request, or with none, for longer than this. */
const ANSWERED_WITHIN_MS = 5_000;
const TIMEOUTS = {
  requestTimeout: ANSWERED_WITHIN_MS,
  headersTimeout: ANSWERED_WITHIN_MS,
  keepAliveTimeout: ANSWERED_WITHIN_MS,
  connectionsCheckingInterval: 500,
} as const;

/**
 * A web page can point its own host name at the address of this machine, and then read the responses:
 * the name stays in `Host`. So it has to be one of loopback, the address that was asked, or one that was allowed. Who
 * shows a token is no such page.
 */
function isKnownHost(
  { headers, socket }: IncomingMessage,
  { host, hosts = [] }: Pick<HealthServerOptions, 'host' | 'hosts'>,
): boolean {
  const [, name] = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(headers.host ?? '') ?? [];
  if (name === undefined || name === '') return false;
  const asked = bare(name);
  if (isLoopback(asked)) return true;
  return [host, socket.localAddress ?? '', ...hosts].some((known) => known !== '' && bare(known) === asked);
}

/** Without the brackets of an IPv6 address, the prefix of an IPv4 address in one, and the dot at the end of a name. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/, '')
    .replace(/\.$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Off loopback a token is wanted even if none is set: then nobody has it. */
function admission(token: string | undefined, host: string): (authorization: string | undefined) => boolean {
  if (token === undefined) {
    return () => isLoopback(bare(host));
  }
  const wanted = digest(`Bearer ${token}`);
  return (authorization) => timingSafeEqual(digest(authorization ?? ''), wanted);
}

/** Of one length, whatever is compared. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the health server has no port'));
      else resolve(address);
    });
  });
}
