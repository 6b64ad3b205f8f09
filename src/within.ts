/**
 * What the work comes to, or, when it takes longer, what `late` answers or throws: whoever waits for somebody else waits
 * within a bound. The work itself goes on.
 */
export async function within<T, Late>(ms: number, work: Promise<T>, late: () => Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return await Promise.race([work, expired.then(late)]).finally(() => clearTimeout(timer));
}
