/**
 * Moves the wall clock of one running process, and of no other: servers ask for the time in the page of code that the
 * kernel maps into every process (the vDSO), and its copy can be written over from outside. Other ways do not reach a
 * program in Go. Linux on x86-64, and only with the right to write to another process' memory.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/** Why it cannot be done on this machine. */
export class CannotSkewError extends Error {
  override readonly name = 'CannotSkewError';
}

/** From now on the process sees a time that is so many seconds off; 0 makes it right again. Its monotonic clock stays. */
export function skewClock(pid: number, seconds: number): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CannotSkewError('the clock of a process can be moved on Linux on x86-64 only');
  }
  const { start, end } = vdsoOf(pid);
  const memory = openMemory(pid);
  try {
    const image = Buffer.alloc(end - start);
    readSync(memory, image, 0, image.length, start);
    const functions = functionsOf(image);
    process.kill(pid, 'SIGSTOP');
    try {
      for (const [name, codeFor] of Object.entries(CODE)) {
        const at = functions.get(name);
        if (at === undefined) continue;
        const code = codeFor(BigInt(seconds));
        writeSync(memory, code, 0, code.length, start + at);
      }
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  } finally {
    closeSync(memory);
  }
}

function openMemory(pid: number): number {
  try {
    return openSync(`/proc/${pid}/mem`, 'r+');
  } catch (error) {
    throw new CannotSkewError(`the memory of another process cannot be written here: ${String(error)}`);
  }
}

function vdsoOf(pid: number): { readonly start: number; readonly end: number } {
  const line = readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .find((each) => each.endsWith('[vdso]'));
  const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line ?? '') ?? [];
  if (from === undefined || to === undefined) throw new CannotSkewError('the process has no vDSO');
  return { start: Number.parseInt(from, 16), end: Number.parseInt(to, 16) };
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_STRTAB = 5n;
const DT_SYMTAB = 6n;
const SYMBOL_BYTES = 24;
/** A vDSO has a dozen. */
const MOST_SYMBOLS = 64;

/** Where the functions stand in the image: read from its table of dynamic symbols, as the loader does. */
function functionsOf(image: Buffer): Map<string, number> {
  const headers = Number(image.readBigUInt64LE(32));
  const size = image.readUInt16LE(54);
  const count = image.readUInt16LE(56);
  let bias = 0n;
  let dynamic: { readonly at: number; readonly bytes: number } | undefined;
  for (let i = 0; i < count; i++) {
    const at = headers + i * size;
    const type = image.readUInt32LE(at);
    const offset = image.readBigUInt64LE(at + 8);
    if (type === PT_LOAD) bias = image.readBigUInt64LE(at + 16) - offset;
    if (type === PT_DYNAMIC) dynamic = { at: Number(offset), bytes: Number(image.readBigUInt64LE(at + 32)) };
  }
  if (dynamic === undefined) throw new CannotSkewError('the vDSO names no functions');
  const tables = new Map<bigint, number>();
  for (let at = dynamic.at; at < dynamic.at + dynamic.bytes; at += 16) {
    tables.set(image.readBigInt64LE(at), Number(image.readBigUInt64LE(at + 8) - bias));
  }
  const [symbols, names] = [tables.get(DT_SYMTAB), tables.get(DT_STRTAB)];
  if (symbols === undefined || names === undefined) throw new CannotSkewError('the vDSO names no functions');
  const found = new Map<string, number>();
  for (let i = 0; i < MOST_SYMBOLS; i++) {
    const at = symbols + i * SYMBOL_BYTES;
    if (at + SYMBOL_BYTES > image.length) break;
    const name = names + image.readUInt32LE(at);
    if (name >= image.length) continue;
    const value = Number(image.readBigUInt64LE(at + 8) - bias);
    found.set(image.toString('latin1', name, image.indexOf(0, name)), value);
  }
  return found;
}

/** Asks the kernel, as the function did, and adds to the seconds of what it answers. */
const CODE: Readonly<Record<string, (seconds: bigint) => Buffer>> = {
  // clock_gettime(edi: clock, rsi: answer): CLOCK_REALTIME (0) and its coarse sister (5) alone are moved.
  __vdso_clock_gettime: (seconds) =>
    code('b8 e4000000 0f05', '85ff 7405 83ff05 750d', ['48ba', seconds], '480116', 'c3'),
  // gettimeofday(rdi: answer, which may be left out)
  __vdso_gettimeofday: (seconds) =>
    code('b8 60000000 0f05', '4885ff 740d', ['48ba', seconds], '480117', 'c3'),
  // time(rdi: answer, which may be left out): the answer is returned as well.
  __vdso_time: (seconds) => code('b8 c9000000 0f05', ['48ba', seconds], '4801d0', '4885ff 7403 488907', 'c3'),
};

function code(...parts: readonly (string | readonly [string, bigint])[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part.replaceAll(' ', ''), 'hex');
      const [instruction, value] = part;
      const constant = Buffer.alloc(8);
      constant.writeBigInt64LE(value);
      return Buffer.concat([Buffer.from(instruction, 'hex'), constant]);
    }),
  );
}
