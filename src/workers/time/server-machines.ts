/** On which machine a server is, as far as its address tells: what runs on one machine has one clock. */
import { lookup } from 'node:dns/promises';
import type { Machine } from './machine.ts';

const LOOKED_UP_FOR_MS = 60_000;
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3}|localhost)$/i;

/** The machine behind an address: this one, that of a worker whose heartbeat names it, or else one of its own. */
export function machineOf(address: string, own: Machine, others: readonly Machine[]): string {
  if (LOOPBACK.test(address) || own.addresses.includes(address)) return own.machine;
  return others.find(({ addresses }) => addresses.includes(address))?.machine ?? address;
}

/** Names are looked up now and then: what they stand for may change, and who asks cannot wait. */
export class ServerAddresses {
  readonly #known = new Map<string, { address: string; readonly at: number }>();

  /** The address of a host (`host`, `host:port`, `[host]:port`), as it was last known. */
  of(host: string): string {
    const name = bare(host);
    const known = this.#known.get(name);
    const now = performance.now();
    if (known !== undefined && now - known.at < LOOKED_UP_FOR_MS) return known.address;
    const entry = { address: known?.address ?? name, at: now };
    this.#known.set(name, entry);
    lookup(name).then(
      ({ address }) => {
        entry.address = address;
      },
      () => undefined,
    );
    return entry.address;
  }
}

function bare(host: string): string {
  const [, inner] = /^\[(.*)\](?::\d+)?$/.exec(host) ?? [];
  if (inner !== undefined) return inner;
  return host.split(':').length === 2 ? (host.split(':')[0] ?? host) : host;
}
