/** The command line, or a file that it names, cannot be used as it is. */
export class InputError extends Error {
  override readonly name: string = 'InputError';
}

/** The command line itself is wrong: whoever wrote it wants to see how it is written. */
export class UsageError extends InputError {
  override readonly name = 'UsageError';
}
