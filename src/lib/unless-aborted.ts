/**
 * What the work comes to, or the reason of the signal when that is aborted before. The work itself goes on, unheard.
 * Nothing stays behind at the signal.
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return await work;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  return await Promise.race([aborted, work]).finally(() => signal.removeEventListener('abort', onAbort));
}
