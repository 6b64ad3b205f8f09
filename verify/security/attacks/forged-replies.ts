/** Reply subjects of others: whatever answers bob names them as the place where his answers go. */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { faultForAgents } from '../../../src/bus/server-faults.ts';
import { type Attack, decisionSubject, type Listener, type Scene, verdict } from './attack.ts';

const HEARD_BY_NOBODY = 'stored nowhere, heard by nobody';
const ARRIVES_WITHIN_MS = 200;
const FIRST_ANSWER_WITHIN_MS = 10_000;

export const WITH_FORGED_REPLIES: readonly Attack[] = [
  ...[
    '$JS.API.STREAM.PURGE.CONVERGE_DECISIONS',
    '$JS.API.STREAM.MSG.DELETE.CONVERGE_DECISIONS',
    '$JS.API.STREAM.DELETE.CONVERGE_EVENTS2',
    'converge.decisions.0.commons.ann',
    'converge.decide.commons.ann',
    'converge.deadletters.0',
    'converge.queries.tasks.ann',
    '$SRV.PING',
  ].flatMap((reply) => forgedReplies(reply, HEARD_BY_NOBODY)),
  // Beside the subjects of the system, in the account of agents: the server's own answers are heard there, as they are.
  ...[
    ['converge.results.ann.d1', 'stored nowhere, heard by ann, olga'],
    ['converge.events.0.commons', 'stored nowhere, heard by ann, olga'],
    ['converge.events.0.vault', 'stored nowhere, heard by olga'],
    ['converge.feeds.ann.guessed', 'stored nowhere, heard by ann'],
    ['converge.sweeps', 'stored nowhere, heard by olga'],
    ['_INBOX.ann.guessed', 'stored nowhere, heard by ann'],
  ].flatMap(([reply = '', expected = '']) => forgedReplies(reply, expected)),
  {
    what: 'has answers sent to where ann waits for an outcome: she is told the true one',
    expected: 'accepted, although others were heard',
    run: (scene) => answersForAnOutcome(scene),
  },
  {
    what: 'has answers sent among the events that ann follows: she is given events',
    expected: 'events only',
    run: (scene) => answersAmongEvents(scene),
  },
  {
    what: 'has an answer sent to a subject with a wildcard (nats-server #3862)',
    expected: 'nobody is worse off, or it is said that the server is too old',
    run: (scene) => wildcardReply(scene),
  },
];

/** Of a decision the log itself answers, of a query a worker: both have to end in the account of the one who asked. */
function forgedReplies(reply: string, expected: string): Attack[] {
  return [
    {
      what: `has the acknowledgement of a decision sent to ${reply}`,
      expected,
      run: (scene) => forgedReply(scene, decisionSubject(scene.system, 'commons', 'bob'), reply),
    },
    {
      what: `has the answer to a query sent to ${reply}`,
      expected,
      run: (scene) => forgedReply(scene, 'converge.queries.stats.bob', reply),
    },
  ];
}

/** All that each of them may listen to. */
function earsOf({ system }: Scene, who: Listener): readonly string[] {
  const { resultsOf, feedsOf, eventsOf, allResults, allEvents, allDeadLetters, sweeps } = system.subjects;
  switch (who) {
    case 'ann':
      return [resultsOf('ann'), feedsOf('ann'), eventsOf('commons'), '_INBOX.ann.>'];
    case 'olga':
      return [allResults, allEvents, sweeps, feedsOf('_observer'), '_INBOX._observer.olga.>'];
    case 'otto':
      return [allResults, allEvents, sweeps, allDeadLetters, feedsOf('_operator'), '_INBOX._operator.otto.>'];
  }
}

/** What bob sends is stored where he may decide, once; everything else has to be as it was. */
async function forgedReply(scene: Scene, subject: string, reply: string): Promise<string> {
  const { system, rawBob, listeners } = scene;
  const jsm = await jetstreamManager(await system.connect('otto'));
  const heard = new Set<string>();
  const listening = listeners.flatMap(([who, connection]) =>
    earsOf(scene, who).map((ear) =>
      connection.subscribe(ear, {
        callback: (_error, { subject: on }) => {
          if (on === reply) heard.add(who);
        },
      }),
    ),
  );
  const look = async () => {
    const [log, events, letters] = await Promise.all([
      jsm.streams.info('CONVERGE_DECISIONS', { subjects_filter: '>' }),
      jsm.streams.info('CONVERGE_EVENTS2'),
      jsm.streams.info('CONVERGE_DEADLETTERS'),
    ]);
    // Workers ask the log for its clock whenever they like: what they append is none of bob's doing.
    const own = Object.entries(log.state.subjects ?? {}).reduce(
      (sum, [name, count]) => (name.endsWith('._shard._sweeper') ? sum + count : sum),
      0,
    );
    return {
      last: log.state.last_seq - own,
      kept: log.state.messages - own,
      others: events.state.messages + letters.state.messages,
    };
  };
  await Promise.all(listeners.map(([, connection]) => connection.flush()));
  const before = await look();
  const isDecision = subject.includes('.decisions.');
  rawBob.publish(subject, JSON.stringify({ id: `forged-${reply}`.slice(0, 64), type: 'Nothing' }), { reply });
  await rawBob.flush();
  await delay(ARRIVES_WITHIN_MS);
  const after = await look();
  for (const each of listening) each.unsubscribe();
  const stored = after.last - before.last;
  const kept = after.kept - before.kept;
  // What bob says himself has no valid id: it becomes a dead letter, and nothing else does.
  const letters = isDecision ? 1 : 0;
  const isAsItWas = stored === letters && kept === stored && after.others - before.others === letters;
  if (!isAsItWas)
    return JSON.stringify({ stored, kept, others: after.others - before.others, heard: [...heard] });
  return `stored nowhere, heard by ${[...heard].sort().join(', ') || 'nobody'}`;
}

/** Bob knows the id that ann is going to use, and is faster than the worker. */
async function answersForAnOutcome({ ann, rawBob, listeners, system }: Scene): Promise<string> {
  const id = ann.newId();
  const reply = system.subjects.result('ann', id);
  let heard = 0;
  const [, rawAnn] = listeners[0] ?? [];
  const listening = rawAnn?.subscribe(reply, {
    callback: (_error, message) => {
      if (!message.string().includes('decisionId')) heard++;
    },
  });
  await rawAnn?.flush();
  let isOver = false;
  const flood = (async () => {
    while (!isOver) {
      rawBob.publish('converge.queries.stats.bob', '{}', { reply });
      await rawBob.flush();
    }
  })();
  // The first answer takes as long as the worker likes; from then on they keep coming while ann waits.
  const deadline = performance.now() + FIRST_ANSWER_WITHIN_MS;
  while (heard === 0 && performance.now() < deadline) await delay(1);
  const outcome = await ann.decide('commons', { id, type: 'SubmitTask', taskId: id, objective: 'x' });
  isOver = true;
  await flood;
  listening?.unsubscribe();
  return `${verdict(outcome)}, ${heard > 0 ? 'although others were heard' : 'and nothing else was heard'}`;
}

async function answersAmongEvents({ ann, rawBob, system }: Scene): Promise<string> {
  const feed = ann.events({ pool: 'commons' });
  await feed.opened;
  const subject = decisionSubject(system, 'commons', 'bob');
  for (const reply of ['converge.feeds.ann.guessed', 'converge.events.0.commons'])
    rawBob.publish(subject, '{}', { reply });
  await rawBob.flush();
  const taskId = ann.newId();
  await ann.decide('commons', { type: 'SubmitTask', taskId, objective: 'x' });
  for await (const event of feed) {
    if (!event.type.startsWith('converge.')) return JSON.stringify(event);
    if (event.subject === `task/${taskId}`) return 'events only';
  }
  return 'the feed ended';
}

/** Older servers die of it: nothing is tried there, and it is found that workers and `doctor` say so. */
async function wildcardReply({ system, ann, rawBob }: Scene): Promise<string> {
  const expected = 'nobody is worse off, or it is said that the server is too old';
  if (faultForAgents(rawBob.info?.version ?? '') !== undefined) return expected;
  for (const reply of ['>', 'converge.results.*.*', '_INBOX.>'])
    for (const subject of [decisionSubject(system, 'commons', 'bob'), 'converge.queries.stats.bob'])
      rawBob.publish(subject, '{}', { reply });
  await rawBob.flush();
  const outcome = await ann.decide('commons', { type: 'Heartbeat' });
  return outcome.status === 'accepted' ? expected : String(outcome.code);
}
