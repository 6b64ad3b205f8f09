import type { ServerName } from './running-server.ts';

/** The constants of a kind of server: where it may be found and under which names. */
export interface ServerKind {
  readonly name: ServerName;
  /** The variable that holds the URL of a server which is already running. */
  readonly urlVariable: string;
  /** The variable that names the binary to start. */
  readonly binaryVariable: string;
  /** In order of preference. */
  readonly binaries: readonly string[];
  /** The package of Debian and Ubuntu. */
  readonly aptPackage: string;
  readonly image: string;
  /** The port that the server listens on inside its container. */
  readonly imagePort: number;
}

export const redisKind: ServerKind = {
  name: 'redis',
  urlVariable: 'CONVERGE_REDIS_URL',
  binaryVariable: 'CONVERGE_REDIS_SERVER',
  binaries: ['redis-server', 'valkey-server'],
  aptPackage: 'redis-server',
  image: 'redis:7.4-alpine',
  imagePort: 6379,
};

export const natsKind: ServerKind = {
  name: 'nats',
  urlVariable: 'CONVERGE_NATS_URL',
  binaryVariable: 'CONVERGE_NATS_SERVER',
  binaries: ['nats-server'],
  aptPackage: 'nats-server',
  image: 'nats:2.12-alpine',
  imagePort: 4222,
};

export const serverKinds: readonly ServerKind[] = [redisKind, natsKind];
