import type { Host } from '../../src/servers/host.ts';
import type { CommandResult } from '../../src/servers/run-command.ts';

/** A machine on which nothing is installed and no command succeeds, except for what a test puts there. */
export function bareHost(facts: Partial<Host> = {}): Host {
  return {
    platform: 'linux',
    isRoot: false,
    extraFolders: [],
    osRelease: async () => undefined,
    run: async () => failed,
    ...facts,
  };
}

export const debian = { id: 'debian', idLike: [] };

export const succeeded: CommandResult = { code: 0, stdout: '', stderr: '' };
export const failed: CommandResult = { code: 1, stdout: '', stderr: 'no such thing here' };
