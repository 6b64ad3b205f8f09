/**
 * Reading a stream by JetStream's API without ending the server. Up to 2.12 nats-server knows a stream by its name a moment
 * before it has a store for it, and a request for a message, or for subjects, that comes in that moment from another
 * connection than the one that creates it is a nil pointer: the whole server panics (`jsMsgGetRequest`, seen on 2.9.10 when
 * three workers started at once). A plain STREAM.INFO is safe, and its time of creation is zero until the store is there.
 * So whatever reads messages or subjects goes through here, and `npm run check` refuses others.
 */
import type { JetStreamManager, MsgRequest, StoredMsg, StreamInfo } from '@nats-io/jetstream';
import { UnavailableError } from '../lib/errors.ts';
import { sleep } from '../lib/timers.ts';

const LOOK_EVERY_MS = 10;
/** Creating a file takes milliseconds; on a disk that is stuck nothing else would work either. */
const CREATED_WITHIN_MS = 10_000;

/**
 * What a stream is, as soon as the server has created it. Rejects as the API does when there is no such stream, and with
 * an UnavailableError when its creation takes longer than ten seconds.
 */
export async function wholeStream(jsm: JetStreamManager, stream: string): Promise<StreamInfo> {
  const deadline = performance.now() + CREATED_WITHIN_MS;
  for (;;) {
    const info = await jsm.streams.info(stream);
    if (isCreated(info)) return info;
    if (performance.now() > deadline)
      throw new UnavailableError(
        `NATS has been creating stream ${stream} for more than ${CREATED_WITHIN_MS} ms: look at its disk`,
      );
    await sleep(LOOK_EVERY_MS);
  }
}

/** One message, by the stream's leader; null when there is none at that position. */
export async function messageOfStream(
  jsm: JetStreamManager,
  stream: string,
  query: MsgRequest,
): Promise<StoredMsg | null> {
  await wholeStream(jsm, stream);
  // biome-ignore lint/plugin/no-hasty-read: the line above has waited for the stream.
  return await jsm.streams.getMessage(stream, query);
}

/** The subjects that match and hold anything, with the number of messages of each. */
export async function subjectsOfStream(
  jsm: JetStreamManager,
  stream: string,
  filter: string,
): Promise<ReadonlyMap<string, number>> {
  await wholeStream(jsm, stream);
  // biome-ignore lint/plugin/no-hasty-read: the line above has waited for the stream.
  const { state } = await jsm.streams.info(stream, { subjects_filter: filter });
  return new Map(Object.entries(state.subjects ?? {}));
}

/** The server writes Go's zero time, of the year 1, for what is not created yet. */
function isCreated({ created }: StreamInfo): boolean {
  return new Date(created).getUTCFullYear() > 1;
}
