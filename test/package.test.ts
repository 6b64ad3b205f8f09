import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { VERSION } from '../src/lib/version.ts';
import { jsonSchemas } from '../src/protocol/json-schemas.ts';

it('the version in the code is the version of the package', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ version: VERSION });
});

it('every dependency has an exact version', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(text);
  for (const version of Object.values({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^(npm:[@a-z/-]+@)?\d+\.\d+\.\d+$/);
  }
});

/** What runs in production, and why. A new one needs a reason here; a removed one its line removed. */
const REASONS: Readonly<Record<string, string>> = {
  '@nats-io/jetstream': 'the log and the events: streams and consumers',
  '@nats-io/nkeys': 'makes the keys of converge auth; the NATS client brings it along anyway',
  '@nats-io/obj': 'snapshots of the state: an object store on JetStream',
  bullmq: 'the schedule of the sweep, shared by all workers',
  commander: 'the arguments of the command',
  ioredis: 'Redis: the state',
  nats: 'NATS: everything that agents and workers say',
  pino: 'logs as JSON lines, at the price of a function call where they are off',
  'prom-client': 'metrics in the form that Prometheus reads',
  zod: 'schemas of decisions, queries and settings, with the path of each fault',
};
/** With all that they depend on, for any platform. More means that somebody else's choice has become ours. */
const MOST_PACKAGES = 60;

interface Locked {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly dev?: boolean;
        /** Of a development dependency, and an option of another one that nobody takes. */
        readonly devOptional?: boolean;
        readonly optional?: boolean;
        readonly hasInstallScript?: boolean;
      }
    >
  >;
}

async function lockfile(): Promise<Locked> {
  return JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'));
}

it('every production dependency has a reason', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  expect(Object.keys(JSON.parse(text).dependencies).sort()).toEqual(Object.keys(REASONS).sort());
});

it('few packages run in production', async () => {
  const { packages } = await lockfile();
  const production = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  );
  expect(production.length).toBeGreaterThan(Object.keys(REASONS).length);
  expect(production.length).toBeLessThanOrEqual(MOST_PACKAGES);
});

it('no dependency that is needed has an install script: npm ci --ignore-scripts is enough', async () => {
  const { packages } = await lockfile();
  const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const needed = scripted.filter(([, { optional }]) => optional !== true).map(([path]) => path);
  expect(needed).toEqual([]);
});

it('there is a JSON Schema for every decision and query, and each refuses unknown fields', () => {
  const schemas = jsonSchemas();
  for (const name of ['decision.SubmitTask', 'decision.Batch', 'query.tasks', 'outcome', 'event']) {
    expect(Object.keys(schemas)).toContain(name);
  }
  for (const [name, schema] of Object.entries(schemas)) {
    if (name.startsWith('decision.')) expect(schema, name).toMatchObject({ additionalProperties: false });
  }
});
