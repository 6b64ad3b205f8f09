/** Whether the other end of a pipe was closed, found out without writing into it. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/**
 * Opening the pipe once more for writing, without waiting, fails (ENXIO) where nobody has it open for reading. A pair of
 * sockets, which is what Node gives its children, reads as ended. Only Linux tells a process so much of its own files; false
 * where it cannot be known.
 */
export function isReaderGone(fd: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const stat = fstatSync(fd);
    if (stat.isFIFO()) {
      closeSync(openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK));
      return false;
    }
    return stat.isSocket() && waitsNever(fd) && readSync(fd, Buffer.alloc(1)) === 0;
  } catch (error) {
    return (
      error instanceof Error && 'code' in error && (error.code === 'ENXIO' || error.code === 'ECONNRESET')
    );
  }
}

/** Reading must not wait for what nobody sends. */
function waitsNever(fd: number): boolean {
  const [, flags = '0'] = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
}
