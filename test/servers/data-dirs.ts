import { rm } from 'node:fs/promises';
import { afterEach } from 'vitest';
import { temporaryDataDir } from '../../src/servers/index.ts';

/** Gives out new folders and removes them when the test is over. */
export function useDataDirs(): () => Promise<string> {
  const given: string[] = [];
  afterEach(async () => {
    for (const dir of given.splice(0)) await rm(dir, { recursive: true, force: true });
  });
  return async () => {
    const dir = await temporaryDataDir('converge-servers-test');
    given.push(dir);
    return dir;
  };
}
