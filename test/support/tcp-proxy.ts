/** Stands between a client and its server and breaks what passes through it, on demand. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { System } from './system.ts';

/** `reply`: the request is carried out, its answer is lost. `request`: the server never hears of it. */
type Loss = 'reply' | 'request';

interface Plan {
  readonly loss: Loss;
  readonly isMeant: (request: string) => boolean;
  readonly done: () => void;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  #plans: Plan[] = [];
  /** While set, bytes of neither side arrive, but nobody is told: a network that is gone. */
  #silent = false;

  static async start(system: System, targetUrl: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetUrl);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    system.onEndOfTest(() => proxy.close());
    return proxy;
  }

  private constructor(targetUrl: string) {
    this.#target = new URL(targetUrl);
    this.#server = createServer((client) => this.#join(client));
  }

  get url(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    return `${this.#target.protocol}//127.0.0.1:${port}`;
  }

  /** Loses the next exchange that is meant, and with it the connection. Resolves when it has happened. */
  loseNext(loss: Loss, isMeant: (request: string) => boolean): Promise<void> {
    return new Promise((done) => this.#plans.push({ loss, isMeant, done }));
  }

  /** From here on connections that exist are dead without being closed; new ones work. */
  strandConnections(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('data').on('data', () => undefined);
  }

  set silent(silent: boolean) {
    this.#silent = silent;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    let losing: Plan | undefined;
    const end = (): void => {
      client.destroy();
      server.destroy();
      losing?.done();
      losing = undefined;
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    client.on('data', (data) => {
      if (this.#silent) return;
      losing ??= this.#planFor(data.toString('latin1'));
      if (losing?.loss === 'request') return end();
      server.write(data);
    });
    server.on('data', (data) => {
      if (this.#silent) return;
      if (losing?.loss === 'reply') return end();
      client.write(data);
    });
  }

  #planFor(request: string): Plan | undefined {
    const plan = this.#plans.find(({ isMeant }) => isMeant(request));
    this.#plans = this.#plans.filter((each) => each !== plan);
    return plan;
  }
}
