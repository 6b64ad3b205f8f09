import { sleep } from '../lib/timers.ts';
import { FolderInUseError, PortTakenError, ServerStartError } from './errors.ts';
import { killAtExit } from './kill-at-exit.ts';
import { ENDED_BY_USED_FOLDER, endLife, endsWithin, type Life } from './life.ts';
import type { Prepared, Recipe } from './recipe.ts';
import type { Runner } from './runner.ts';
import type { ServerAnswer } from './server-answer.ts';

export interface StartedLife {
  readonly life: Life;
  readonly answer: ServerAnswer;
}

export interface LifeStart {
  readonly recipe: Recipe;
  readonly runner: Runner;
  readonly port: number;
  readonly deadlineMs: number;
  /** The identity of the server in its previous life. */
  readonly previousIdentity?: string;
  /** Called before it is ready, so that it can be ended while it is starting. */
  readonly onLaunch?: (life: Life) => void;
}

interface LaunchedLife extends LifeStart {
  readonly prepared: Prepared;
  readonly life: Life;
}

const askEveryMs = 20;

/** Starts a server on this port and resolves when it has proved to be the one that answers there. */
export async function startLife(start: LifeStart): Promise<StartedLife> {
  const { recipe, runner, port } = start;
  const prepared = await recipe.prepare(runner.place(port));
  const life = await runner.launch(prepared.args, port);
  killAtExit(life);
  start.onLaunch?.(life);
  try {
    return { life, answer: await untilReady({ ...start, prepared, life }) };
  } catch (error) {
    await endLife(life);
    throw error;
  }
}

async function untilReady(start: LaunchedLife): Promise<ServerAnswer> {
  const { recipe, prepared, life, port, deadlineMs, previousIdentity } = start;
  const deadline = performance.now() + deadlineMs;
  while (performance.now() < deadline) {
    const answer = await recipe.ask(`${recipe.kind.name}://127.0.0.1:${port}`).catch(() => undefined);
    if (answer !== undefined && life.running) {
      const isOurs = answer.identity !== previousIdentity && (await prepared.isOurs(answer, life));
      if (!isOurs) throw foreignAnswer(start, answer);
      if (answer.ready) return answer;
    }
    if (await endsWithin(life, askEveryMs)) throw await endedEarly(start);
  }
  throw new ServerStartError(await describe(start, `was not ready on port ${port} within ${deadlineMs} ms`));
}

function foreignAnswer(start: LaunchedLife, answer: ServerAnswer): PortTakenError {
  return new PortTakenError(
    `another ${answer.product} (${answer.identity}) answers on port ${start.port} of 127.0.0.1`,
  );
}

async function endedEarly(start: LaunchedLife): Promise<ServerStartError> {
  const how = await start.life.ended;
  const text = await describe(start, `${how} while starting`);
  if (how === ENDED_BY_USED_FOLDER) return new FolderInUseError(text);
  return /address already in use/i.test(text) ? new PortTakenError(text) : new ServerStartError(text);
}

async function describe(start: LaunchedLife, what: string): Promise<string> {
  const tail = await start.life.logTail();
  return `the ${start.recipe.kind.name} server ${what}; it printed:\n${tail === '' ? '(nothing)' : tail}`;
}

const attempts = 5;

/**
 * Starts again when someone else has the port: on the next free one, or, if it has to be the same, after a moment,
 * since a port that a server has just left can be held for an instant by a client's connection or by Docker.
 */
export async function retryWhilePortTaken<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === attempts) throw error;
      await sleep(100 * attempt);
    }
  }
}
