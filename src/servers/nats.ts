import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askNats } from './ask-nats.ts';
import { type Host, thisHost } from './host.ts';
import { INCLUDED_FILE, type NatsSettings, natsConfig } from './nats-config.ts';
import type { Recipe } from './recipe.ts';
import type { RunningServer } from './running-server.ts';
import { natsKind } from './server-kind.ts';
import { type CommonOptions, startServer } from './start-server.ts';

export interface NatsOptions extends CommonOptions, NatsSettings {}

/** Finds, if need be installs, and starts a NATS server with JetStream; see locate.ts for where it looks. */
export function startNats(options: NatsOptions, host: Host = thisHost): Promise<RunningServer> {
  return startServer(natsRecipe(options), options, host);
}

const configFile = 'nats-server.conf';

function natsRecipe(options: NatsOptions): Recipe {
  return {
    kind: natsKind,
    prepare: async (place) => {
      // A new name for every life: only the server started now can answer with it.
      const serverName = `converge-${randomUUID()}`;
      await writeChanging(options, place.hostDataDir);
      await writeFile(join(place.hostDataDir, configFile), natsConfig(serverName, place, options), {
        mode: 0o600,
      });
      return {
        args: ['--config', join(place.dataDir, configFile)],
        isOurs: async (answer) => answer.identity === serverName,
      };
    },
    reload: (place) => writeChanging(options, place.hostDataDir),
    ask: askNats,
    otherPorts: options.httpPort === undefined ? [] : [options.httpPort],
  };
}

async function writeChanging({ changing }: NatsOptions, folder: string): Promise<void> {
  if (changing !== undefined) await writeFile(join(folder, INCLUDED_FILE), await changing(), { mode: 0o600 });
}
