import type { ConvergeEvent } from '../../../src/protocol/event.ts';

/** What of an event is judged. */
export type SeenEvent = Pick<
  ConvergeEvent,
  'id' | 'type' | 'source' | 'subject' | 'time' | 'sequence' | 'causationid' | 'actor' | 'principal' | 'data'
>;
