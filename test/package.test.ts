import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { jsonSchemas } from '../src/protocol/json-schemas.ts';
import { VERSION } from '../src/version.ts';

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

it('there is a JSON Schema for every decision and query, and each refuses unknown fields', () => {
  const schemas = jsonSchemas();
  for (const name of ['decision.SubmitTask', 'decision.Batch', 'query.tasks', 'outcome', 'event']) {
    expect(Object.keys(schemas)).toContain(name);
  }
  for (const [name, schema] of Object.entries(schemas)) {
    if (name.startsWith('decision.')) expect(schema, name).toMatchObject({ additionalProperties: false });
  }
});
