/** What several sources give, as it comes: of each in its order. Ends with the first that ends or fails; the caller closes the others. */
export async function* merged<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const next = (index: number): Promise<{ index: number; result: IteratorResult<T> }> => {
    const iterator = iterators[index];
    if (iterator === undefined) throw new RangeError(`there is no source ${index}`);
    return iterator.next().then((result) => ({ index, result }));
  };
  const pending = new Map(iterators.map((_iterator, index) => [index, next(index)]));
  try {
    for (;;) {
      const { index, result } = await Promise.race(pending.values());
      if (result.done === true) return;
      yield result.value;
      // Behind the ones that wait for longer, so that a busy source leaves the others their turn.
      pending.delete(index);
      pending.set(index, next(index));
    }
  } finally {
    for (const waiting of pending.values()) waiting.catch(() => undefined);
  }
}
