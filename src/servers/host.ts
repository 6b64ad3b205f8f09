import { readFile } from 'node:fs/promises';
import { type OsRelease, parseOsRelease } from './os-release.ts';
import { type RunCommand, runCommand } from './run-command.ts';

/** The facts about this machine on which finding and installing servers depend. Tests put others in their place. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** Searched after PATH. */
  readonly extraFolders: readonly string[];
  /** Undefined where there is no /etc/os-release. */
  osRelease(): Promise<OsRelease | undefined>;
  readonly run: RunCommand;
}

export const thisHost: Host = {
  platform: process.platform,
  isRoot: process.getuid?.() === 0,
  // Debian installs nats-server to /usr/sbin, which is not on every user's PATH; Homebrew's folder is often missing too.
  extraFolders: ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'],
  osRelease: async () => {
    try {
      return parseOsRelease(await readFile('/etc/os-release', 'utf8'));
    } catch {
      return undefined;
    }
  },
  run: runCommand,
};
