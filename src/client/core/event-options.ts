/** How a feed of events is asked for. */
import type { NatsConnection } from 'nats';
import type { Subjects } from '../../protocol/subjects.ts';
import type { EventChoice } from './event-filter.ts';
import type { EventStart } from './event-source.ts';

/** Which events to read: of which pools, of what kinds, from where on. */
export interface EventOptions extends EventChoice {
  /** Left out: every pool. */
  readonly pool?: string | undefined;
  /** `'new'` when left out. */
  readonly start?: EventStart | undefined;
  /**
   * How long to try to open it, milliseconds; the client's `timeoutMs` when left out. Once it is open it is resumed for
   * however long the servers are away.
   */
  readonly timeoutMs?: number | undefined;
}

export interface EventFeedOptions extends EventOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  /**
   * The name that the NATS server vouches for: then a worker opens the feed, for which a name's rights suffice. Left
   * out: the feed has a consumer of its own.
   */
  readonly asker?: string | undefined;
  /** Called once, when the feed has ended and holds nothing any more. */
  readonly onEnd?: (() => void) | undefined;
}
