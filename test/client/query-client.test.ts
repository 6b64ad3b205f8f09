import type { NatsConnection } from 'nats';
import { expect, it } from 'vitest';
import { QueryClient } from '../../src/bus/query-client.ts';
import { QueryError, UnavailableError } from '../../src/lib/errors.ts';
import { type Subjects, subjects } from '../../src/protocol/subjects.ts';
import { fresh, useBroker } from './system.ts';

const broker = useBroker();

interface Setup {
  readonly names: Subjects;
  readonly queries: QueryClient;
  readonly connection: NatsConnection;
}

async function setup(): Promise<Setup> {
  const connection = await broker.connect();
  const names = subjects(fresh('queries'));
  return { connection, names, queries: new QueryClient({ connection, subjects: names }) };
}

/** Answers the n-th request with the n-th reply, and all later ones with the last; undefined is silence. */
async function answering(names: Subjects, replies: readonly (string | undefined)[]): Promise<string[]> {
  const requests: string[] = [];
  const connection = await broker.connect();
  connection.subscribe(names.query('pool'), {
    callback: (_error, request) => {
      const reply = replies[Math.min(requests.length, replies.length - 1)];
      requests.push(request.string());
      if (reply !== undefined) request.respond(reply);
    },
  });
  await connection.flush();
  return requests;
}

const OK = JSON.stringify({ ok: { pool: 'p' } });
const error = (code: string) => JSON.stringify({ error: { code, message: 'why' } });

it('gives what the query answers', async () => {
  const { names, queries } = await setup();
  const requests = await answering(names, [OK]);
  expect(await queries.ask('pool', { pool: 'p' })).toEqual({ pool: 'p' });
  expect(requests).toEqual(['{"pool":"p"}']);
});

it('a refusal is an error with its code, and is not asked again', async () => {
  const { names, queries } = await setup();
  const requests = await answering(names, [error('pool_not_found')]);
  const answer = queries.ask('pool', { pool: 'p' });
  await expect(answer).rejects.toThrow(QueryError);
  await expect(answer).rejects.toMatchObject({ code: 'pool_not_found' });
  expect(requests).toHaveLength(1);
});

it('workers that are busy, or answer what cannot be read, are asked again', async () => {
  const { names, queries } = await setup();
  const requests = await answering(names, [error('rate_limited'), 'not JSON', '[]', '{"error":1}', OK]);
  expect(await queries.ask('pool', { pool: 'p' })).toEqual({ pool: 'p' });
  expect(requests).toHaveLength(5);
});

it('where nobody answers, it asks until somebody does', async () => {
  const { names, queries, connection } = await setup();
  const answer = queries.ask('pool', { pool: 'p' });
  await connection.flush();
  await answering(names, [OK]);
  expect(await answer).toEqual({ pool: 'p' });
});

it('an answer that was lost with the connection is asked for again', async () => {
  const { names, queries } = await setup();
  await answering(names, [OK]);
  await broker.server.kill();
  const answer = queries.ask('pool', { pool: 'p' });
  await broker.server.restart();
  expect(await answer).toEqual({ pool: 'p' });
});

it('gives up in time: nobody there, nobody answering, or the connection closed', async () => {
  const { names, queries, connection } = await setup();
  await expect(queries.ask('pool', { pool: 'p' }, { timeoutMs: 100 })).rejects.toThrow(UnavailableError);
  await answering(names, [undefined]);
  await expect(queries.ask('pool', { pool: 'p' }, { timeoutMs: 100 })).rejects.toThrow(UnavailableError);
  await connection.close();
  await expect(queries.ask('pool', { pool: 'p' })).rejects.toThrow(UnavailableError);
});
