/** The content of a snapshot on its way: lines of text, compressed, with a hash of the text. */
import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { messageOf, SnapshotDamagedError, UnavailableError } from '../../lib/errors.ts';
import type { SnapshotSummary } from '../../protocol/snapshots.ts';
import { decodeLine, type SnapshotLine } from '../../state/snapshots/records.ts';

/** Far longer than any line: a document, or what a batch owes. */
const MAX_LINE_CHARS = 256 * 1024 * 1024;

export interface Content {
  readonly sha256: string;
  /** Bytes of text. */
  readonly bytes: number;
}

/** Compresses text as it comes; `result` is known when all of it was taken. */
export function compress(text: AsyncIterable<string>): {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly result: () => Content;
} {
  const hash = createHash('sha256');
  let bytes = 0;
  const plain = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of text) {
      const encoded = Buffer.from(piece);
      hash.update(encoded);
      bytes += encoded.byteLength;
      if (encoded.byteLength > 0) yield encoded;
    }
  };
  const chunks = pipeline(
    Readable.from(plain(), { objectMode: false }),
    createGzip({ level: constants.Z_BEST_SPEED }),
    () => undefined,
  );
  return { chunks, result: () => ({ sha256: hash.copy().digest('hex'), bytes }) };
}

export interface ReadContent extends Content {
  readonly summary: SnapshotSummary;
}

/**
 * Reads the lines back, some at a time; answers what they were of. Throws {@link SnapshotDamagedError} at anything that
 * cannot have been written.
 */
export async function* readContent(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly SnapshotLine[], ReadContent> {
  const hash = createHash('sha256');
  const decoder = new StringDecoder('utf8');
  let bytes = 0;
  let lines = 0;
  let rest = '';
  let summary: SnapshotSummary | undefined;
  for await (const piece of decompress(chunks)) {
    hash.update(piece);
    bytes += piece.byteLength;
    const texts = (rest + decoder.write(piece)).split('\n');
    rest = texts.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS) throw new SnapshotDamagedError('a line has no end');
    const decoded = texts.map(decodeLine);
    for (const line of decoded) {
      if (summary !== undefined) throw new SnapshotDamagedError('something follows the summary');
      if (line.is === 'summary') summary = line.summary;
      else lines++;
    }
    yield decoded;
  }
  if (summary === undefined || rest !== '') throw new SnapshotDamagedError('it ends too soon');
  if (summary.lines !== lines) {
    throw new SnapshotDamagedError(`it has ${lines} lines of ${summary.lines}`);
  }
  return { summary, sha256: hash.digest('hex'), bytes };
}

async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const gunzip = pipeline(Readable.from(chunks), createGunzip({ chunkSize: 64 * 1024 }), () => undefined);
  try {
    for await (const piece of gunzip) yield piece;
  } catch (error) {
    if (error instanceof SnapshotDamagedError || error instanceof UnavailableError) throw error;
    throw new SnapshotDamagedError(messageOf(error), { cause: error });
  }
}
