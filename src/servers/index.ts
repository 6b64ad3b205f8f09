export { temporaryDataDir } from './data-dir.ts';
export { FolderInUseError, ServerStartError, ServersUnavailableError } from './errors.ts';
export { freePort } from './free-port.ts';
export { type NatsOptions, startNats } from './nats.ts';
export { type RedisOptions, startRedis } from './redis.ts';
export type { RunningServer } from './running-server.ts';
export { type Servers, type ServersOptions, startServers } from './start-servers.ts';
