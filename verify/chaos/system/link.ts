/**
 * A connection between two parts, with everything that can be wrong with one. Every worker has links of its own to Redis
 * and NATS, and so have the agents, so that any two parts can be cut off from each other and nobody else.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a {@link Link} is to break: what it looks for is in one piece of what the client sends. */
export interface Cut {
  /**
   * How many bytes of this piece still arrive; undefined when it is not the one meant. Everything, and then the answer is
   * lost, when `losesReply` is set.
   */
  readonly passes: (piece: Buffer) => number | undefined;
  readonly losesReply: boolean;
  /** Called at the very moment, before anything else can pass. */
  readonly onCut: () => void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly lanes: readonly [toServer: Lane, toClient: Lane];
  /** Dead, but nobody was told: nothing arrives on either side any more. */
  isStranded: boolean;
  /** What was cut and waits for its answer to be lost. */
  losing: Cut | undefined;
}

const FLUSH_MS = 20;

export class Link {
  readonly #target: URL;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #cut: Cut | undefined;
  /** Every piece arrives so much later. */
  delayMs = 0;
  /** New connections are closed at once. */
  isRefusing = false;
  #isStalled = false;

  static async start(targetUrl: string): Promise<Link> {
    const link = new Link(targetUrl);
    await new Promise<void>((resolve, reject) => {
      link.#server.once('error', reject);
      link.#server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  private constructor(targetUrl: string) {
    this.#target = new URL(targetUrl);
    this.#server = createServer((client) => this.#join(client));
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the link is not open');
    return `${this.#target.protocol}//127.0.0.1:${address.port}`;
  }

  /** Ends every connection with a reset. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Connections that exist are dead from here on without being closed; new ones work. */
  strand(): void {
    for (const pair of this.#pairs) pair.isStranded = true;
  }

  /** Nothing arrives while it is stalled; all of it arrives afterwards, in order. */
  set stalled(stalled: boolean) {
    this.#isStalled = stalled;
    for (const { lanes } of this.#pairs) for (const lane of lanes) lane.deliver();
  }

  /** Breaks at the next piece that is meant. */
  cutAt(cut: Cut): void {
    this.#cut = cut;
  }

  uncut(): void {
    this.#cut = undefined;
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) end(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    if (this.isRefusing) {
      client.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const server = connect({ port: Number(this.#target.port), host: this.#target.hostname, noDelay: true });
    client.setNoDelay(true);
    const isStalled = (): boolean => this.#isStalled;
    const lanes = [new Lane(client, server, isStalled), new Lane(server, client, isStalled)] as const;
    const pair: Pair = { client, server, lanes, isStranded: false, losing: undefined };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        // A peer that is gone is not noticed across a dead connection.
        if (pair.isStranded && socket === server && !client.destroyed) return;
        this.#pairs.delete(pair);
        end(pair);
      });
    }
    client.on('data', (piece) => this.#fromClient(pair, piece));
    server.on('data', (piece) => this.#fromServer(pair, piece));
  }

  #fromClient(pair: Pair, piece: Buffer): void {
    if (pair.isStranded) return;
    const cut = this.#cut;
    const passes = cut?.passes(piece);
    if (cut === undefined || passes === undefined) {
      pair.lanes[0].forward(piece, this.delayMs);
      return;
    }
    this.#cut = undefined;
    if (passes > 0) pair.server.write(piece.subarray(0, passes));
    if (cut.losesReply) {
      pair.losing = cut;
      return;
    }
    this.#breakAt(pair, cut);
  }

  #fromServer(pair: Pair, piece: Buffer): void {
    if (pair.isStranded) return;
    const { losing } = pair;
    if (losing === undefined) {
      pair.lanes[1].forward(piece, this.delayMs);
      return;
    }
    pair.losing = undefined;
    this.#breakAt(pair, losing);
  }

  /** What was let through has to arrive; nothing else may. */
  #breakAt(pair: Pair, cut: Cut): void {
    pair.isStranded = true;
    cut.onCut();
    setTimeout(() => end(pair), FLUSH_MS);
  }
}

/** One direction of a connection: however slow it is, and was, what was sent first arrives first. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #isStalled: () => boolean;
  readonly #pieces: { readonly piece: Buffer; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, isStalled: () => boolean) {
    this.#from = from;
    this.#to = to;
    this.#isStalled = isStalled;
  }

  forward(piece: Buffer, delayMs: number): void {
    this.#pieces.push({ piece, dueAt: performance.now() + delayMs });
    this.deliver();
  }

  /** Everything that is due, and stands behind nothing that is not. */
  deliver(): void {
    clearTimeout(this.#timer);
    for (let [next] = this.#pieces; next !== undefined && !this.#isStalled(); [next] = this.#pieces) {
      const leftMs = next.dueAt - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.deliver(), leftMs);
        return;
      }
      this.#pieces.shift();
      this.#write(next.piece);
    }
  }

  #write(piece: Buffer): void {
    if (this.#to.destroyed || this.#to.write(piece)) return;
    this.#from.pause();
    this.#to.once('drain', () => this.#from.resume());
  }
}

function end({ client, server }: Pair): void {
  client.destroy();
  server.destroy();
}
