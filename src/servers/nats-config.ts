import type { Place } from './runner.ts';

export interface NatsSettings {
  readonly httpPort?: number | undefined;
  /** The largest message, headers included; 1 MiB by default. */
  readonly maxPayloadBytes?: number | undefined;
  /** How much JetStream may keep on disk; by default what the server chooses, three quarters of what is free. */
  readonly maxStoreBytes?: number | undefined;
  /** More text for the configuration, e.g. a `mappings` block. */
  readonly config?: string | undefined;
  /** A part of the configuration that may change while the server runs: read at every start and every reload. */
  readonly changing?: (() => Promise<string>) | undefined;
}

/** Where {@link NatsSettings.changing} is put, beside the configuration that includes it. */
export const INCLUDED_FILE = 'nats-changing.conf';

/**
 * A configuration that nats-server understands from 2.9 on. Settings that only newer ones know, like sync_interval, make
 * an older one refuse to start.
 */
export function natsConfig(serverName: string, place: Place, settings: NatsSettings): string {
  const { httpPort, maxPayloadBytes = 1024 * 1024, maxStoreBytes, config = '', changing } = settings;
  return [
    `server_name: ${quote(serverName)}`,
    `listen: ${quote(`${place.address}:${place.port}`)}`,
    ...(httpPort === undefined ? [] : [`http: ${quote(`${place.address}:${httpPort}`)}`]),
    `max_payload: ${maxPayloadBytes}`,
    'jetstream {',
    `  store_dir: ${quote(place.dataDir)}`,
    ...(maxStoreBytes === undefined ? [] : [`  max_file_store: ${maxStoreBytes}`]),
    '}',
    config,
    // The path is relative to the file that includes it.
    ...(changing === undefined ? [] : [`include ${INCLUDED_FILE}`]),
    '',
  ].join('\n');
}

/** The configuration's strings know the escapes of JSON that a path needs. */
function quote(text: string): string {
  return JSON.stringify(text);
}
