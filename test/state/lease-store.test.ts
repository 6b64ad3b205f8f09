import { shardKeys, systemKeys } from '../../src/state/keys.ts';
import { redisLeaseStore } from '../../src/state/lease-store.ts';
import { useSystem } from '../support/system.ts';
import { leaseStoreContract } from './lease-store.contract.ts';

const system = useSystem({ redis: { appendOnly: false } });

leaseStoreContract((workerId, ns, leaseMs = 60_000) =>
  redisLeaseStore({
    redis: system.redis,
    shardKeys: (shard) => shardKeys(ns, shard),
    systemKeys: systemKeys(ns),
    holder: workerId,
    leaseMs,
    about: () => ({ wall: 1, machine: 'm', addresses: [] }),
  }),
);
