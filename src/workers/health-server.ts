import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly port: number;
  readonly host: string;
  /** What everything but `/livez` wants to be shown (`Authorization: Bearer …`). Without one: on loopback nothing. */
  readonly token?: string | undefined;
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
  const server = createServer(async (request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'GET only\n');
    if (request.url !== '/livez' && !isAdmitted(request.headers.authorization)) {
      response.setHeader('www-authenticate', 'Bearer');
      return send(401, 'text/plain', `a bearer token is wanted (CONVERGE_HTTP_TOKEN)\n`);
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
          return send(503, 'text/plain', 'a figure could not be read\n');
        }
      default:
        return send(404, 'text/plain', 'not found\n');
    }
  });
  server.requestTimeout = 5_000;
  server.on('clientError', (_error, socket) => socket.destroy());
  const address = await listen(server, options.port, options.host);
  return {
    url: `http://${options.host}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Off loopback a token is wanted even if none is set: then nobody has it. */
function admission(token: string | undefined, host: string): (authorization: string | undefined) => boolean {
  if (token === undefined) {
    const isLoopback = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
    return () => isLoopback;
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
