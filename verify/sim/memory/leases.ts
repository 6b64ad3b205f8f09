/** Leases as Redis keeps them: they lapse by its own clock, which may be wrong. */
import { type Heartbeat, leaseText, parseLease } from '../../../src/state/lease.ts';
import type { LeaseStore } from '../../../src/state/lease-store.ts';
import type { Link } from './link.ts';

interface Kept {
  readonly text: string;
  readonly until: number;
}

export class MemoryLeases {
  readonly #now: () => number;
  #leases = new Map<number, Kept>();
  #heartbeats = new Map<string, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What stands there: nothing when it has lapsed. */
  get(shard: number): string | undefined {
    const lease = this.#leases.get(shard);
    return lease === undefined || lease.until <= this.#now() ? undefined : lease.text;
  }

  acquire(shard: number, owner: string, leaseMs: number, seen: string | undefined): boolean {
    if (this.get(shard) !== seen) return false;
    this.#set(shard, { holder: owner, counter: 0, leaseMs });
    return true;
  }

  renew(shard: number, owner: string, leaseMs: number): boolean {
    const held = this.get(shard);
    const lease = held === undefined ? undefined : parseLease(held, leaseMs);
    if (lease !== undefined && lease.holder !== owner) return false;
    this.#set(shard, { holder: owner, counter: lease === undefined ? 0 : lease.counter + 1, leaseMs });
    return true;
  }

  release(shard: number, owner: string): void {
    const held = this.get(shard);
    if (held !== undefined && parseLease(held, 0).holder === owner) this.#leases.delete(shard);
  }

  /** Takes a lease away from whoever has it. */
  drop(shard: number): void {
    this.#leases.delete(shard);
  }

  heartbeat(owner: string, text: string): Map<string, string> {
    this.#heartbeats.set(owner, text);
    return new Map(this.#heartbeats);
  }

  bury(owner: string, seen: string): void {
    if (this.#heartbeats.get(owner) === seen) this.#heartbeats.delete(owner);
  }

  goodbye(owner: string): void {
    this.#heartbeats.delete(owner);
  }

  empty(): void {
    this.#leases = new Map();
    this.#heartbeats = new Map();
  }

  #set(shard: number, lease: Parameters<typeof leaseText>[0]): void {
    this.#leases.set(shard, { text: leaseText(lease), until: this.#now() + lease.leaseMs });
  }
}

export function memoryLeaseStore(
  link: Link,
  leases: MemoryLeases,
  holder: string,
  leaseMs: number,
  wall: () => number = Date.now,
  about: () => Pick<Heartbeat, 'works' | 'leaves'> = () => ({}),
): LeaseStore {
  let beats = 0;
  return {
    look: (shards) =>
      link.request('lease', () => {
        const held = shards.map((shard) => [shard, leases.get(shard)] as const);
        return new Map(held.flatMap(([shard, text]) => (text === undefined ? [] : [[shard, text] as const])));
      }),
    acquire: (shard, seen) => link.request('lease', () => leases.acquire(shard, holder, leaseMs, seen)),
    renew: (shards) =>
      link.request('lease', () => new Set(shards.filter((shard) => leases.renew(shard, holder, leaseMs)))),
    release: (shard) => link.request('lease', () => leases.release(shard, holder)),
    heartbeat: () => {
      const beat = { counter: beats++, leaseMs, wall: wall(), machine: 'sim', addresses: [], ...about() };
      return link.request('lease', () => leases.heartbeat(holder, JSON.stringify(beat)));
    },
    bury: (other, seen) => link.request('lease', () => leases.bury(other, seen)),
    goodbye: () => link.request('lease', () => leases.goodbye(holder)),
  };
}
