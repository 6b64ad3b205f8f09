import { type FileHandle, open } from 'node:fs/promises';

/** A log larger than this is begun again at the next start. */
const largestLogBytes = 8 * 1024 * 1024;
const tailBytes = 16_384;
const tailLines = 20;

export interface Logged<T> {
  readonly result: T;
  /** The last lines of what was printed since then. */
  readonly logTail: () => Promise<string>;
}

/** Opens the file that a server prints to for as long as it takes to start a process that inherits it. */
export async function withServerLog<T>(path: string, start: (fd: number) => T): Promise<Logged<T>> {
  const file = await open(path, 'a');
  try {
    const from = await beginOfLife(file);
    return { result: start(file.fd), logTail: () => readTail(path, from) };
  } finally {
    await file.close();
  }
}

async function beginOfLife(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  if (size <= largestLogBytes) return size;
  await file.truncate();
  return 0;
}

async function readTail(path: string, start: number): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    const from = Math.max(start, size - tailBytes);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.max(0, size - from)),
      position: from,
    });
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-tailLines).join('\n');
  } catch (error) {
    return `(its log ${path} cannot be read: ${String(error)})`;
  } finally {
    await file?.close();
  }
}
