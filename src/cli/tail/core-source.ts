/** Messages that are told once and not kept, as they come. */
import type { Msg, NatsConnection } from 'nats';
import { deniedOn } from '../../bus/permission-denied.ts';
import type { Entry, Source } from './source.ts';

/** `entryOf` returns undefined for entries that are not to be shown. */
export async function coreSource(
  connection: NatsConnection,
  subject: string,
  entryOf: (message: Msg) => Entry | undefined,
): Promise<Source> {
  const subscription = connection.subscribe(subject);
  // The server has the subscription when it has answered this, or has refused it by then.
  await connection.flush();
  if (subscription.isClosed()) throw deniedOn('subscription', subject);
  return {
    async *entries(): AsyncGenerator<Entry> {
      for await (const message of subscription) {
        const entry = entryOf(message);
        if (entry !== undefined) yield entry;
      }
    },
    close: () => subscription.unsubscribe(),
  };
}

/** Undefined for what is not JSON: anyone may publish anything where no permissions forbid it. */
export function jsonOf(message: Msg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
