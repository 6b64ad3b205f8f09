/** What leases have to do, whoever keeps them. */
import { expect, it } from 'vitest';
import type { LeaseStore } from '../../src/state/lease-store.ts';
import { until } from '../support/until.ts';

/** The leases of one system, as one of its workers sees them. */
export type LeasesOf = (workerId: string, system: string, leaseMs?: number) => LeaseStore;

export function leaseStoreContract(leasesOf: LeasesOf): void {
  it('a lease is taken by one worker only, and free again when it is released', async () => {
    const [a, b] = [leasesOf('a', 'l1'), leasesOf('b', 'l1')];
    expect(await Promise.all([a.acquire(3), b.acquire(3)])).toEqual([true, false]);
    await b.release(3);
    expect(await b.acquire(3)).toBe(false);
    await a.release(3);
    expect(await b.acquire(3)).toBe(true);
  });

  it('only its holder renews a lease', async () => {
    const [a, b] = [leasesOf('a', 'l2'), leasesOf('b', 'l2')];
    await a.acquire(0);
    await b.acquire(1);
    expect(await a.renew([0, 1, 2])).toEqual(new Set([0]));
    expect(await b.renew([0, 1])).toEqual(new Set([1]));
  });

  it('a lease that nobody renews is free again', async () => {
    const [a, b] = [leasesOf('a', 'l3', 50), leasesOf('b', 'l3', 50)];
    await a.acquire(0);
    await until('the lease to lapse', () => b.acquire(0));
    expect(await a.renew([0])).toEqual(new Set());
  });

  it('the living are those whose heartbeat has not lapsed and who have not said goodbye', async () => {
    const [a, b, c] = [leasesOf('a', 'l4'), leasesOf('b', 'l4'), leasesOf('c', 'l4', 30)];
    await c.heartbeat();
    await a.heartbeat();
    await until('c to be forgotten', async () => !(await b.heartbeat()).includes('c'));
    expect([...(await b.heartbeat())].sort()).toEqual(['a', 'b']);
    await a.goodbye();
    expect(await b.heartbeat()).toEqual(['b']);
  });
}
