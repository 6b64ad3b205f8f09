/** Leases as Redis keeps them: by its own clock, whatever the clocks of the workers say. */
import type { LeaseStore } from '../../src/state/lease-store.ts';
import type { Link } from './link.ts';

interface Lease {
  readonly owner: string;
  readonly until: number;
}

export class MemoryLeases {
  readonly #now: () => number;
  #leases = new Map<number, Lease>();
  #workers = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  ownerOf(shard: number): string | undefined {
    const lease = this.#leases.get(shard);
    return lease === undefined || lease.until <= this.#now() ? undefined : lease.owner;
  }

  acquire(shard: number, owner: string, leaseMs: number): boolean {
    if (this.ownerOf(shard) !== undefined) return false;
    this.#leases.set(shard, { owner, until: this.#now() + leaseMs });
    return true;
  }

  renew(shard: number, owner: string, leaseMs: number): boolean {
    if (this.ownerOf(shard) !== owner) return false;
    this.#leases.set(shard, { owner, until: this.#now() + leaseMs });
    return true;
  }

  release(shard: number, owner: string): void {
    if (this.ownerOf(shard) === owner) this.#leases.delete(shard);
  }

  /** Takes a lease away from whoever has it. */
  drop(shard: number): void {
    this.#leases.delete(shard);
  }

  heartbeat(owner: string, leaseMs: number): string[] {
    this.#workers.set(owner, this.#now() + leaseMs);
    for (const [worker, until] of this.#workers) if (until <= this.#now()) this.#workers.delete(worker);
    return [...this.#workers.keys()];
  }

  goodbye(owner: string): void {
    this.#workers.delete(owner);
  }

  empty(): void {
    this.#leases = new Map();
    this.#workers = new Map();
  }
}

export function memoryLeaseStore(
  link: Link,
  leases: MemoryLeases,
  workerId: string,
  leaseMs: number,
): LeaseStore {
  return {
    acquire: (shard) => link.request('lease', () => leases.acquire(shard, workerId, leaseMs)),
    renew: (shards) =>
      link.request('lease', () => new Set(shards.filter((shard) => leases.renew(shard, workerId, leaseMs)))),
    release: (shard) => link.request('lease', () => leases.release(shard, workerId)),
    heartbeat: () => link.request('lease', () => leases.heartbeat(workerId, leaseMs)),
    goodbye: () => link.request('lease', () => leases.goodbye(workerId)),
  };
}
