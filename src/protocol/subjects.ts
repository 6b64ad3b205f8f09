/**
 * The one place that knows subjects (docs/protocol.md, "Subjects"). Everything here is a function of the namespace, so that
 * several systems can share one NATS.
 */
import { CLOCK_POOL, isName, OPERATOR } from './names.ts';
import { shardOf } from './shard.ts';

/** What the subjects of a system begin with where nothing else is said. */
export const DEFAULT_NAMESPACE = 'converge';

/** Who decided, where, and on which shard's log it was found: all that a subject proves. */
export interface DecisionAddress {
  readonly shard: number;
  readonly pool: string;
  readonly agent: string;
}

/** The names of all NATS subjects of one system. */
export interface Subjects {
  readonly namespace: string;
  /** Where an agent publishes its decisions about a pool. */
  decision(pool: string, agent: string, shards: number): string;
  /** Where a decision about a whole shard is published (sweeps). */
  shardDecision(shard: number, agent: string, pool: string): string;
  /** Where clients that do not know the shard publish; the NATS server maps it onto {@link decision}. */
  decide(pool: string, agent: string): string;
  /** Declarations of operators about the time of a shard's log. */
  clocks(shard: number): string;
  /** Everything on one shard's log. */
  shardLog(shard: number): string;
  result(agent: string, decisionId: string): string;
  resultsOf(agent: string): string;
  /** Where the packs of one pool's events are published. */
  events(shard: number, pool: string): string;
  /** All pools of one shard. */
  shardEvents(shard: number): string;
  /** The packs of a pool, whatever its shard, for permissions; of every pool where none is named. */
  eventsOf(pool?: string): string;
  /** Where anyone asks, and where one asks under a name that the NATS server vouches for. */
  query(name: string, asker?: string): string;
  /** Where a worker lets the events be delivered that an asker may see, and all such places of one asker. */
  feed(asker: string, token: string): string;
  feedsOf(asker: string): string;
  deadLetter(shard: number): string;
  /** How far a shard's log was trimmed. */
  trimMark(shard: number): string;
  readonly allTrimMarks: string;
  readonly allEvents: string;
  readonly allDeadLetters: string;
  readonly allResults: string;
  readonly sweeps: string;
  /**
   * Names of the streams: upper case, as is the custom of JetStream. Where the namespace has capital letters those are
   * small here, so that namespaces which differ in case have streams of their own.
   */
  readonly streams: {
    /** The first stream of the log and of the events, which say how many there are. */
    readonly decisions: string;
    readonly events: string;
    readonly deadLetters: string;
    readonly snapshots: string;
    readonly marks: string;
  };
  /** All streams of the log and of the events; a shard is in those at its number modulo theirs. */
  readonly logStreams: readonly string[];
  readonly eventStreams: readonly string[];
  logOf(shard: number): string;
  eventsStreamOf(shard: number): string;
  /** The object store of snapshots; its stream and its subjects are named as JetStream's object stores are. */
  readonly snapshotBucket: string;
  readonly snapshotChunks: string;
  readonly snapshotHeads: string;
}

/** Most streams that the log is spread over: each is named in the permissions of workers and operators. */
export const MAX_LOG_STREAMS = 8;

/**
 * The names of all NATS subjects of a system; `converge` is the namespace when left out. Only the names of streams depend
 * on how many the log is spread over.
 */
export function subjects(namespace: string = DEFAULT_NAMESPACE, logStreams = 1): Subjects {
  const ns = namespace;
  const upper = otherCase(ns);
  const allEvents = `${ns}.events.>`;
  return {
    namespace: ns,
    decision: (pool, agent, shards) => `${ns}.decisions.${shardOf(pool, shards)}.${pool}.${agent}`,
    shardDecision: (shard, agent, pool) => `${ns}.decisions.${shard}.${pool}.${agent}`,
    decide: (pool, agent) => `${ns}.decide.${pool}.${agent}`,
    clocks: (shard) => `${ns}.decisions.${shard}.${CLOCK_POOL}.${OPERATOR}`,
    shardLog: (shard) => `${ns}.decisions.${shard}.>`,
    result: (agent, decisionId) => `${ns}.results.${agent}.${decisionId}`,
    resultsOf: (agent) => `${ns}.results.${agent}.*`,
    events: (shard, pool) => `${ns}.events.${shard}.${pool}`,
    shardEvents: (shard) => `${ns}.events.${shard}.*`,
    eventsOf: (pool) => (pool === undefined ? allEvents : `${ns}.events.*.${pool}`),
    query: (name, asker) => `${ns}.queries.${name}${asker === undefined ? '' : `.${asker}`}`,
    feed: (asker, token) => `${ns}.feeds.${asker}.${token}`,
    feedsOf: (asker) => `${ns}.feeds.${asker}.*`,
    deadLetter: (shard) => `${ns}.deadletters.${shard}`,
    trimMark: (shard) => `${ns}.marks.${shard}`,
    allTrimMarks: `${ns}.marks.*`,
    allEvents,
    allDeadLetters: `${ns}.deadletters.*`,
    allResults: `${ns}.results.*.*`,
    sweeps: `${ns}.sweeps`,
    streams: {
      decisions: `${upper}_DECISIONS`,
      events: `${upper}_EVENTS2`,
      deadLetters: `${upper}_DEADLETTERS`,
      snapshots: `OBJ_${upper}_SNAPSHOTS`,
      marks: `${upper}_MARKS`,
    },
    logStreams: numbered(`${upper}_DECISIONS`, logStreams),
    eventStreams: numbered(`${upper}_EVENTS2`, logStreams),
    logOf: (shard) => numberedName(`${upper}_DECISIONS`, shard % logStreams),
    eventsStreamOf: (shard) => numberedName(`${upper}_EVENTS2`, shard % logStreams),
    snapshotBucket: `${upper}_SNAPSHOTS`,
    snapshotChunks: `$O.${upper}_SNAPSHOTS.C.>`,
    snapshotHeads: `$O.${upper}_SNAPSHOTS.M.>`,
  };
}

/** The first has the plain name, so that a process which does not know yet how many there are finds it. */
function numberedName(name: string, index: number): string {
  return index === 0 ? name : `${name}_${index}`;
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => numberedName(name, index));
}

function otherCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

/** Addresses seen lately, by namespace and subject: a few agents and pools make most of a log. */
const seen = new Map<string, Map<string, DecisionAddress>>();
const SEEN_AT_MOST = 10_000;

/**
 * Reads `<ns>.decisions.<shard>.<pool>.<agent>`. Undefined when the subject has another form: a message that was
 * stored there has no author to answer and becomes a dead letter.
 */
export function parseDecisionSubject(namespace: string, subject: string): DecisionAddress | undefined {
  const ofNamespace = seen.get(namespace) ?? new Map<string, DecisionAddress>();
  const known = ofNamespace.get(subject);
  if (known !== undefined) return known;
  const address = readDecisionSubject(namespace, subject);
  if (address === undefined) return undefined;
  if (ofNamespace.size >= SEEN_AT_MOST) ofNamespace.clear();
  seen.set(namespace, ofNamespace.set(subject, address));
  return address;
}

function readDecisionSubject(namespace: string, subject: string): DecisionAddress | undefined {
  const prefix = `${namespace}.decisions.`;
  if (!subject.startsWith(prefix)) return undefined;
  const [shardText, pool, agent, ...rest] = subject.slice(prefix.length).split('.');
  if (shardText === undefined || pool === undefined || agent === undefined || rest.length > 0)
    return undefined;
  if (!/^(0|[1-9]\d{0,4})$/.test(shardText) || !isName(pool) || !isName(agent)) return undefined;
  return { shard: Number(shardText), pool, agent };
}

/** The mapping by which a NATS server computes the shard itself: `decide.<pool>.<agent>` → `decisions.<shard>.…`. */
export function decideMapping(namespace: string, shards: number): string {
  return `mappings = { "${namespace}.decide.*.*": "${namespace}.decisions.{{partition(${shards},1)}}.{{wildcard(1)}}.{{wildcard(2)}}" }`;
}
