/** The alarms that are on, as each worker that lives tells them (`$SRV.STATS.converge`). */
import { type NatsConnection, NoRespondersError } from 'nats';
import { z } from 'zod';
import { parseJson } from '../../protocol/json.ts';
import { type Check, fail, ok, warn } from './check.ts';

const ANSWERS_WITHIN_MS = 500;
const MOST_NAMED = 12;

const statusSchema = z.object({
  data: z.object({
    namespace: z.string(),
    worker: z.string(),
    alarms: z.array(
      z.object({
        alarm: z.string(),
        text: z.string(),
        toDo: z.string().default('docs/operations.md says what to do'),
      }),
    ),
  }),
});

type Status = z.output<typeof statusSchema>['data'];

/** Of everyone that answers in time; where nobody is there to answer, the server says so with an error. */
async function statusesOf(connection: NatsConnection): Promise<Status[]> {
  const statuses: Status[] = [];
  const options = { strategy: 'timer', maxWait: ANSWERS_WITHIN_MS } as const;
  try {
    for await (const message of await connection.requestMany('$SRV.STATS.converge', '', options)) {
      const status = statusSchema.safeParse(parseJson(message.data).value).data?.data;
      if (status !== undefined) statuses.push(status);
    }
  } catch (error) {
    if (!(error instanceof NoRespondersError)) throw error;
  }
  return statuses;
}

export async function alarmCheck(
  connection: NatsConnection,
  namespace: string,
  workers: number,
): Promise<Check> {
  const texts = new Set<string>();
  const answered = new Set<string>();
  for (const status of await statusesOf(connection)) {
    if (status.namespace !== namespace) continue;
    answered.add(status.worker);
    for (const { text, toDo } of status.alarms) texts.add(`${text} (${status.worker}): ${toDo}`);
  }
  const named = [...texts].slice(0, MOST_NAMED).join('; ');
  const others = texts.size - MOST_NAMED;
  if (texts.size > 0) return fail('alarms', `${named}${others > 0 ? ` and ${others} more` : ''}`);
  const asked = `${answered.size} of ${workers} workers reported their alarms`;
  return answered.size < workers
    ? warn('alarms', `none is on, but only ${asked}`)
    : ok('alarms', 'none is on');
}
