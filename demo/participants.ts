/** Everyone on the stage of one play, each with connections of their own. */
import { ConvergeClient } from '../src/client/core/client.ts';
import { Random } from '../verify/kit/chance/random.ts';
import { HistoryChecker } from '../verify/kit/history/history-checker.ts';
import type { Cluster } from './cluster/cluster.ts';
import { Fleet } from './fleet/fleet.ts';
import { Observer } from './observer.ts';
import { Submitter, submitterOf } from './submitter.ts';
import type { Workload } from './workload.ts';

export interface Participants {
  /** Watches and steers: for events and queries, not for decisions. */
  readonly director: ConvergeClient;
  readonly fleet: Fleet;
  readonly submitter: Submitter;
  readonly observer: Observer;
  readonly checker: HistoryChecker;
  close(): Promise<void>;
}

export interface ParticipantsOptions {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly seed: number;
  readonly onSwept: (released: number) => void;
}

/** No agent of a workload is called so. */
const DIRECTOR = 'demo--director';
const OBSERVER = 'demo--observer';

export async function startParticipants({
  cluster,
  workload,
  seed,
  onSwept,
}: ParticipantsOptions): Promise<Participants> {
  const { natsUrl, namespace, shards, access } = cluster;
  const system = { natsUrl, namespace, shards, access };
  await access.admit([
    // It reads the log itself, to know which decisions have no outcome yet.
    { role: 'operator', name: OBSERVER },
    { role: 'observer', name: DIRECTOR },
    ...[submitterOf(workload), ...workload.agents.map(({ name }) => name)].map((name) => ({
      role: 'agent' as const,
      name,
    })),
  ]);
  const checker = new HistoryChecker();
  const credentials = access.credentialsOf(OBSERVER);
  const observer = await Observer.open({ natsUrl, namespace, credentials, checker, onSwept });
  const director = await ConvergeClient.connect({
    agent: DIRECTOR,
    url: natsUrl,
    namespace,
    shards,
    credentials: access.credentialsOf(DIRECTOR),
  });
  const fleet = await Fleet.open({ ...system, workload, random: new Random(seed) });
  const submitter = await Submitter.open({ ...system, workload });
  return {
    director,
    fleet,
    submitter,
    observer,
    checker,
    async close() {
      await Promise.allSettled([submitter.close(), fleet.stop(), director.close(), observer.close()]);
    },
  };
}
