import { EventFeed } from '../../client/core/event-feed.ts';
import type { EventStart } from '../../client/core/event-source.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { subjects } from '../../protocol/subjects.ts';
import type { Entry, Since, Source, SourceOptions } from './source.ts';

export async function eventSource({
  connection,
  namespace,
  asker,
  pool,
  agent,
  since,
}: SourceOptions): Promise<Source> {
  const feed = new EventFeed({
    connection,
    subjects: subjects(namespace),
    asker,
    pool,
    start: startOf(since),
  });
  await feed.opened;
  return {
    async *entries(): AsyncGenerator<Entry> {
      for await (const event of feed) {
        if (agent !== undefined && event.actor !== agent && event.principal !== agent) continue;
        yield { value: event, line: lineOf(event) };
      }
    },
    close: () => feed.close(),
  };
}

function startOf(since: Since): EventStart {
  return typeof since === 'string' ? since : { since: since.at };
}

function lineOf({ time, type, source, subject, sequence, actor, principal, data }: ConvergeEvent): string {
  const pool = source.replace('/pools/', '');
  const by = principal === undefined ? actor : `${actor} for ${principal}`;
  const verb = type.replace('converge.', '');
  return `${time}  ${pool} ${Number(sequence)}  ${verb}  ${subject}  by ${by}  ${JSON.stringify(data)}`;
}
