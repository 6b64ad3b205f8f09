import { ServersUnavailableError } from './errors.ts';
import type { RunningServer } from './running-server.ts';
import type { ServerAnswer } from './server-answer.ts';
import type { ServerKind } from './server-kind.ts';

/** A server that was given by its URL: used as it is, and left alone otherwise. */
export async function givenServer(
  kind: ServerKind,
  url: string,
  ask: (url: string) => Promise<ServerAnswer>,
): Promise<RunningServer> {
  const answer = await ask(url).catch((error: unknown) => {
    const reason = error instanceof Error && error.message !== '' ? error.message : String(error);
    throw new ServersUnavailableError(
      `${kind.urlVariable} is set to ${withoutCredentials(url)}, but it does not answer: ${reason}. ` +
        `Start that server or unset ${kind.urlVariable}.`,
    );
  });
  const refuse = async (): Promise<never> => {
    throw new Error(`the server at ${withoutCredentials(url)} was not started here and is left alone`);
  };
  return {
    name: kind.name,
    url,
    source: 'url',
    version: answer.version,
    product: answer.product,
    command: undefined,
    pid: undefined,
    dataDir: undefined,
    ended: new Promise<string>(() => undefined),
    logTail: async () => '',
    stop: async () => undefined,
    kill: refuse,
    reload: refuse,
    restart: refuse,
  };
}

/** For messages: what stands between the scheme and the last @ of each address is not to be printed. */
export function withoutCredentials(url: string): string {
  return url.replaceAll(/(^|,|\/\/)[^/,]*@/g, '$1');
}
