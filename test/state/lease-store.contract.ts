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
    expect(await a.renew([0, 1])).toEqual(new Set([0]));
    expect(await b.renew([0, 1])).toEqual(new Set([1]));
  });

  it('a lease that nobody renews is free again', async () => {
    const [a, b] = [leasesOf('a', 'l3', 50), leasesOf('b', 'l3', 50)];
    await a.acquire(0);
    await until('the lease to lapse', () => b.acquire(0));
    expect(await a.renew([0])).toEqual(new Set());
  });

  it('a lease that lapsed early is written again by its holder', async () => {
    const a = leasesOf('a', 'l5', 40);
    await a.acquire(0);
    await until('the lease to lapse', async () => (await a.look([0])).size === 0);
    expect(await a.renew([0])).toEqual(new Set([0]));
    expect(await leasesOf('b', 'l5').acquire(0)).toBe(false);
  });

  it('a lease moves each time that it is renewed', async () => {
    const [a, b] = [leasesOf('a', 'l6'), leasesOf('b', 'l6')];
    await a.acquire(0);
    const seen: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      seen.push((await b.look([0, 1])).get(0));
      await a.renew([0]);
    }
    expect(new Set(seen).size).toBe(3);
    expect((await b.look([0, 1])).has(1)).toBe(false);
  });

  it('a lease is taken from its holder only as it was seen', async () => {
    const [a, b, c] = [leasesOf('a', 'l7'), leasesOf('b', 'l7'), leasesOf('c', 'l7')];
    await a.acquire(0);
    const seen = (await b.look([0])).get(0);
    await a.renew([0]);
    expect(await b.acquire(0, seen)).toBe(false);
    const standing = (await b.look([0])).get(0);
    expect(await Promise.all([b.acquire(0, standing), c.acquire(0, standing)])).toEqual([true, false]);
    expect(await a.renew([0])).toEqual(new Set());
  });

  it('every heartbeat is another one, those of the dead stand still until they are buried', async () => {
    const [a, b] = [leasesOf('a', 'l4'), leasesOf('b', 'l4')];
    const first = await b.heartbeat();
    await a.heartbeat();
    const second = await b.heartbeat();
    expect([...second.keys()].sort()).toEqual(['a', 'b']);
    expect(second.get('b')).not.toBe(first.get('b'));
    const dead = second.get('a') ?? '';
    expect((await b.heartbeat()).get('a')).toBe(dead);
    await a.heartbeat();
    await b.bury('a', dead);
    expect((await b.heartbeat()).has('a')).toBe(true);
    await b.bury('a', (await b.heartbeat()).get('a') ?? '');
    expect((await b.heartbeat()).has('a')).toBe(false);
    await b.goodbye();
    expect([...(await a.heartbeat()).keys()]).toEqual(['a']);
  });
}
