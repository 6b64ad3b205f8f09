/** No server could be found or installed. The message holds the exact line that installs what is missing. */
export class ServersUnavailableError extends Error {
  override readonly name = 'ServersUnavailableError';
  /** EX_UNAVAILABLE of sysexits.h, for the process that gives up because of this. */
  readonly kind = 'unavailable';
}

/** A server was found but did not come up; the message ends with the last lines that it printed. */
export class ServerStartError extends Error {
  override readonly name: string = 'ServerStartError';
}

/** Another server works on the data folder, and two would destroy each other's data. */
export class FolderInUseError extends ServerStartError {
  override readonly name = 'FolderInUseError';
}

/** Someone else has the port. Between choosing a free port and listening on it anyone may take it. */
export class PortTakenError extends ServerStartError {
  override readonly name = 'PortTakenError';
}
