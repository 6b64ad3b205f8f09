import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './running-server.ts';

/** The path of a program: a name is looked up on PATH and then in the extra folders, a path is taken as it is. */
export async function findExecutable(
  nameOrPath: string,
  env: Environment,
  extraFolders: readonly string[],
): Promise<string | undefined> {
  if (nameOrPath.includes('/')) {
    const path = resolve(nameOrPath);
    return (await isExecutable(path)) ? path : undefined;
  }
  // A relative entry of PATH would make what is started depend on the folder one happens to stand in.
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  for (const folder of [...folders, ...extraFolders]) {
    const path = join(folder, nameOrPath);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
