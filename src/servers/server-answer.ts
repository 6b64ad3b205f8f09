/** The identity that a server reports. */
export interface ServerAnswer {
  /** `redis-server`, `valkey-server` or `nats-server`. */
  readonly product: string;
  readonly version: string;
  /** Redis's run id or NATS's server name: differs with every start of a server. */
  readonly identity: string;
  /** Only Redis tells. */
  readonly processId: number | undefined;
  /** False while it still loads its data. */
  readonly ready: boolean;
}
