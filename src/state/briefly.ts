import { type Entity, hasEnded, isOfKind, isTask } from '../protocol/entities.ts';

/**
 * Something that has ended, as decisions look at it that come after its end: that it is there, and how it ended. What it
 * contained can be megabytes, and one message can name thousands.
 */
export function briefly(entity: Entity): Entity {
  if (!hasEnded(entity)) return entity;
  if (isTask(entity)) {
    const brief = { ...entity, objective: '', inputs: undefined, evaluator: undefined };
    return brief.state === 'completed' ? { ...brief, result: null } : brief;
  }
  if (isOfKind('auction', entity)) return { ...entity, bids: [] };
  if (isOfKind('vote', entity)) return { ...entity, voters: [], ballots: [] };
  if (isOfKind('negotiation', entity)) return { ...entity, proposals: [] };
  return entity;
}
