/** What must hold whatever the input was. A violation is thrown, and says what did not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Violation(otherwise);
}

/** Texts that go back to whoever wrote the input: bounded, and whole characters, so that JSON can carry them. */
export function mustBeTellable(what: string, text: unknown, mostChars: number): void {
  must(typeof text === 'string', `${what} is no text`);
  must(text.length <= mostChars, `${what} has ${text.length} characters; at most ${mostChars} are expected`);
  must(text.isWellFormed(), `${what} has a lone surrogate`);
}

const NAMES = Object.getOwnPropertyNames(Object.prototype).length;
const ARRAY_NAMES = Object.getOwnPropertyNames(Array.prototype).length;

/** Nothing that an input names may end up in what all objects share. */
export function mustLeavePrototypesAlone(): void {
  const isClean =
    Object.getOwnPropertyNames(Object.prototype).length === NAMES &&
    Object.getOwnPropertyNames(Array.prototype).length === ARRAY_NAMES;
  must(isClean, 'the prototype of all objects was changed');
}
