import type { Life } from './life.ts';
import type { Place } from './runner.ts';
import type { ServerAnswer } from './server-answer.ts';
import type { ServerKind } from './server-kind.ts';

/** The differences between starting a Redis and a NATS server. */
export interface Recipe {
  readonly kind: ServerKind;
  /** Writes what one life of the server reads when it starts. */
  prepare(place: Place): Promise<Prepared>;
  /** Writes what a running server reads again at SIGHUP; undefined for servers that read nothing again. */
  readonly reload?: ((place: Place) => Promise<void>) | undefined;
  /** Asks the server at this URL; rejects with the reason if no server of this kind answers. */
  ask(url: string): Promise<ServerAnswer>;
  /** Ports besides the main one that a container has to publish. */
  readonly otherPorts: readonly number[];
}

export interface Prepared {
  readonly args: readonly string[];
  /** Whether the one who answers is the one we have started. */
  isOurs(answer: ServerAnswer, life: Life): Promise<boolean>;
}
