import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askRedis, parseRedisInfo } from './ask-redis.ts';
import { type Host, thisHost } from './host.ts';
import type { Life } from './life.ts';
import type { Recipe } from './recipe.ts';
import type { Place } from './runner.ts';
import type { RunningServer } from './running-server.ts';
import type { ServerAnswer } from './server-answer.ts';
import { redisKind } from './server-kind.ts';
import { type CommonOptions, startServer } from './start-server.ts';

export interface RedisOptions extends CommonOptions {
  /** Keeps an append-only file, synced every second; true by default. Without it, a restart begins empty. */
  readonly appendOnly?: boolean | undefined;
  /** The text of an ACL file. */
  readonly acl?: string | undefined;
  /** A user that may ask the server what it is, where not everyone may. */
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  /** More arguments of redis-server, which win over ours, e.g. `['--appendfsync', 'always']`. */
  readonly extraArgs?: readonly string[] | undefined;
}

/** Finds, if need be installs, and starts a Redis or Valkey; see locate.ts for where it looks. */
export function startRedis(options: RedisOptions, host: Host = thisHost): Promise<RunningServer> {
  return startServer(redisRecipe(options), options, host);
}

const ACL_FILE = 'users.acl';

function redisRecipe(options: RedisOptions): Recipe {
  return {
    kind: redisKind,
    prepare: async (place) => {
      if (options.acl !== undefined)
        await writeFile(join(place.hostDataDir, ACL_FILE), options.acl, { mode: 0o600 });
      return {
        args: redisArguments(place, options),
        isOurs: (answer, life) => isOurs(answer, life, options),
      };
    },
    ask: (url) => askRedis(asUser(url, options)),
    otherPorts: [],
  };
}

function redisArguments(place: Place, options: RedisOptions): readonly string[] {
  return [
    ['--bind', place.address],
    ['--port', `${place.port}`],
    // Docker's proxy comes from another address than loopback, and the port is published on loopback only.
    ['--protected-mode', place.inContainer ? 'no' : 'yes'],
    ['--dir', place.dataDir],
    ['--maxmemory-policy', 'noeviction'],
    // No snapshots: the append-only file is the persistence, and one is enough.
    ['--save', ''],
    ['--appendonly', (options.appendOnly ?? true) ? 'yes' : 'no'],
    ['--appendfsync', 'everysec'],
    options.acl === undefined ? [] : ['--aclfile', join(place.dataDir, ACL_FILE)],
    options.extraArgs ?? [],
  ].flat();
}

/** A child process is recognised by its process id; a container, where that is 1, by the run id seen from inside. */
async function isOurs(answer: ServerAnswer, life: Life, { user }: RedisOptions): Promise<boolean> {
  if (life.type === 'process') return answer.processId === life.pid;
  const as = user === undefined ? [] : ['--no-auth-warning', '--user', user.name, '--pass', user.password];
  const fromInside = await life.execute(['redis-cli', ...as, 'INFO', 'server']);
  return fromInside !== '' && parseRedisInfo(fromInside).identity === answer.identity;
}

function asUser(url: string, { user }: RedisOptions): string {
  if (user === undefined) return url;
  const parsed = new URL(url);
  parsed.username = user.name;
  parsed.password = user.password;
  return parsed.href;
}
