/**
 * How a log comes to be, and which one it is. The trim marks choose its identity before it is made, and remember that it
 * was: a log that is missing afterwards was lost, and must not be made again as if nothing had been there.
 */
import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { nuid } from 'nats';
import type { Subjects } from '../protocol/subjects.ts';
import { changeMark, expectSameLog, genesisMark, type TrimMark, type TrimMarks } from './trim-marks.ts';
import { messageOfStream } from './whole-stream.ts';

/** The identity of the log that the state or a snapshot of some shards comes from; undefined when there is neither. */
export type KnownElsewhere = (shards: readonly number[]) => Promise<string | undefined>;

const AT_ONCE = 64;

export async function forEachShard(
  shards: readonly number[],
  work: (shard: number) => Promise<unknown>,
): Promise<void> {
  for (let first = 0; first < shards.length; first += AT_ONCE) {
    await Promise.all(shards.slice(first, first + AT_ONCE).map(work));
  }
}

/** Which stream of the log, of these shards, is to be made, by the first genesis mark; or which one was made and is lost. */
export async function chooseIdentity(
  marks: TrimMarks,
  shards: readonly number[],
  knownElsewhere: KnownElsewhere,
): Promise<{ readonly logIdentity: string; readonly isLost: boolean }> {
  const known: TrimMark[] = [];
  await forEachShard(shards, async (shard) => {
    const { mark } = await marks.read(shard);
    if (mark !== undefined) known.push(mark);
  });
  const lost = known.find(({ made }) => made)?.log ?? (await knownElsewhere(shards));
  if (lost !== undefined) return { logIdentity: lost, isLost: true };
  const wanted = known[0]?.log ?? nuid.next();
  const first = await changeMark(marks, shards[0] ?? 0, (mark) =>
    mark === undefined ? genesisMark(wanted) : undefined,
  );
  const logIdentity = first?.log ?? wanted;
  await forEachShard(shards, async (shard) => {
    const mark = await changeMark(marks, shard, (there) =>
      there === undefined ? genesisMark(logIdentity) : undefined,
    );
    if (mark !== undefined) expectSameLog(mark, logIdentity, shard);
  });
  return { logIdentity, isLost: false };
}

/** The log is made: every mark says so. */
export async function saySo(marks: TrimMarks, shards: readonly number[], logIdentity: string): Promise<void> {
  await forEachShard(shards, (shard) => sayMade(marks, shard, logIdentity));
}

/** The worker that created the log may have died before it could record that. */
export async function sayMade(
  marks: TrimMarks,
  shard: number,
  logIdentity: string,
): Promise<TrimMark | undefined> {
  return await changeMark(marks, shard, (mark) =>
    mark === undefined || mark.made || mark.log !== logIdentity ? undefined : { ...mark, made: true },
  );
}

interface Log {
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
}

/**
 * Marks for a log that had none: what its description says, or what the log itself shows to be gone, whichever is more.
 * Once each shard has a mark the description is never asked again.
 */
export async function adoptDescription(
  marks: TrimMarks,
  log: Log,
  shards: readonly number[],
  logIdentity: string,
  described: { readonly below: number; readonly shards: ReadonlySet<number> },
): Promise<void> {
  await forEachShard(shards, async (shard) => {
    const said = described.shards.has(shard) ? described.below : 1;
    const shown = (await marks.read(shard)).mark === undefined ? await heldFrom(log, shard) : 1;
    await changeMark(marks, shard, (mark) => {
      if (mark === undefined)
        return { ...genesisMark(logIdentity), made: true, below: Math.max(said, shown) };
      return mark.log === logIdentity ? { ...mark, below: Math.max(said, mark.below) } : undefined;
    });
  });
}

const NO_MESSAGE = 10037;

/**
 * The position from which a log surely holds everything of a shard: 1 where nothing was ever removed of any, else the
 * first message of it that is still there.
 */
export async function heldFrom({ jsm, subjects }: Log, shard: number): Promise<number> {
  const stream = subjects.logOf(shard);
  const info = await jsm.streams.info(stream);
  if (isWhole(info)) return 1;
  try {
    const query = { seq: 1, next_by_subj: subjects.shardLog(shard) };
    const first = await messageOfStream(jsm, stream, query);
    return first?.seq ?? info.state.last_seq + 1;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return info.state.last_seq + 1;
    throw error;
  }
}

/** Positions rise by one with every message: as many as the last one has means that none is gone. */
function isWhole({ state }: StreamInfo): boolean {
  return state.messages === state.last_seq;
}
