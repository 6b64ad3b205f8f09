/** Decides which shards of a worker get a Pressure, on or off. A function of their sizes. */

export interface ShardMemory {
  readonly shard: number;
  readonly bytes: number;
  /** It has been told, and has not been told otherwise. */
  readonly isPressed: boolean;
}

/** The same, and what it keeps in the store. */
export interface ShardHolding extends ShardMemory {
  readonly endedBytes: number;
}

export interface HeapState {
  readonly limitBytes: number;
  /** Minimum of the heap over a while, so that collected garbage does not count. */
  readonly heldBytes: number;
}

export interface PressureWord {
  readonly shard: number;
  readonly on: boolean;
}

/** Shares of the heap: of what is counted, and of what the heap itself holds, in case counting is mistaken. */
const ON = 0.4;
const OFF = 0.3;
const TIGHT = 0.7;
const LOOSE = 0.55;

/** The largest first: they get a Pressure until the others together are no danger. */
export function pressureWords(shards: readonly ShardMemory[], heap: HeapState): readonly PressureWord[] {
  const total = shards.reduce((sum, { bytes }) => sum + bytes, 0);
  const { limitBytes, heldBytes } = heap;
  const isTight = heldBytes > TIGHT * limitBytes;
  if (total > ON * limitBytes || isTight) {
    const most = isTight ? Math.min(ON * limitBytes, total / 2) : ON * limitBytes;
    return largestBeyond(shards, total, most);
  }
  if (total >= OFF * limitBytes || heldBytes >= LOOSE * limitBytes) return [];
  return shards.filter(({ isPressed }) => isPressed).map(({ shard }) => ({ shard, on: false }));
}

function largestBeyond(shards: readonly ShardMemory[], total: number, most: number): readonly PressureWord[] {
  const words: PressureWord[] = [];
  let left = total;
  for (const { shard, bytes, isPressed } of shards.toSorted(
    (a, b) => b.bytes - a.bytes || a.shard - b.shard,
  )) {
    if (left <= most) break;
    left -= bytes;
    if (!isPressed) words.push({ shard, on: true });
  }
  return words;
}

const MIN_BATCH_BYTES = 256 * 1024;

/**
 * Most bytes of messages in a batch: decoded, decided and on their way to the servers they take some ten times as much,
 * and a worker can have as many batches under way as it has shards. How a log is cut changes nothing but the pace.
 */
export function batchBytesOf(heapBytes: number): number {
  return Math.max(MIN_BATCH_BYTES, Math.floor(heapBytes / 512));
}
