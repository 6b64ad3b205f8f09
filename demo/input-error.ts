/** A file that the command line names cannot be used as it is. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly kind = 'usage';
}
