/**
 * Who may import whom: one row per folder, with the question that the folder answers. `npm run check` refuses whatever
 * is not here: a folder without a row, a row without a file, an import that its row does not name, and a circle between
 * files. CONTRIBUTING.md lists the same folders.
 *
 * `of` is a folder with all below it; `folder/*` are the files that lie in it, and in no folder of its own; or it is one
 * file. The closest row counts. `imports` names rows, `packages` names packages and modules of Node; `a*` is all that
 * begin with `a`. Within one row everybody may import everybody.
 */
const NATS = ['nats', '@nats-io/jetstream'];
const LIB = ['src/lib'];
const CORE = ['src/protocol', 'src/rules', 'src/handlers', 'src/state', 'src/bus'];

/** @type {readonly { of: string, asks: string, imports: readonly string[], packages: readonly string[] }[]} */
export const ROWS = [
  // What is the system?
  {
    of: 'src/rules',
    asks: 'How is it counted and priced, as plain mathematics?',
    imports: [],
    packages: [],
  },
  {
    of: 'src/protocol',
    asks: 'What do agents and the system say to each other?',
    imports: ['src/rules'],
    packages: ['zod', 'node:buffer', 'node:crypto'],
  },
  {
    of: 'src/handlers',
    asks: 'What follows from a decision? Pure: no clock, no randomness, no I/O.',
    imports: ['src/protocol', 'src/rules'],
    packages: ['node:crypto'],
  },
  {
    of: 'src/state',
    asks: 'What is in Redis, and how does it change?',
    imports: ['src/protocol', ...LIB],
    packages: ['ioredis', 'zod', 'node:crypto', 'node:fs', 'node:tls'],
  },
  {
    of: 'src/bus',
    asks: 'What goes through NATS, and how?',
    imports: ['src/protocol', ...LIB],
    packages: [...NATS, '@nats-io/obj', 'zod', 'node:crypto', 'node:fs', 'node:path'],
  },
  {
    of: 'src/auth',
    asks: 'Who may connect, and with what rights?',
    imports: ['src/protocol', ...LIB],
    packages: ['@nats-io/nkeys', 'zod', 'node:crypto', 'node:fs/promises', 'node:path'],
  },
  {
    of: 'src/workers/shard',
    asks: 'How does one shard read its log, decide, commit and publish?',
    imports: [...CORE, 'src/workers/health', 'src/workers/time', 'src/workers/memory', ...LIB],
    packages: [...NATS, 'pino', 'node:*'],
  },
  {
    of: 'src/workers/time',
    asks: 'What time is it, when clocks differ?',
    imports: [...CORE, 'src/workers/shard', 'src/workers/health', ...LIB],
    packages: [...NATS, 'pino', 'node:*'],
  },
  {
    of: 'src/workers/memory',
    asks: 'What fits into the heap of this worker?',
    imports: [...CORE, 'src/workers/health', ...LIB],
    packages: ['pino', 'node:*'],
  },
  {
    of: 'src/workers/health',
    asks: 'Which alarms and metrics are there?',
    imports: [...CORE, 'src/workers/shard', ...LIB],
    packages: ['pino', 'prom-client', 'node:*'],
  },
  {
    of: 'src/workers/snapshots',
    asks: 'How are snapshots taken, restored and the log trimmed?',
    imports: [
      ...CORE,
      'src/workers/config.ts',
      'src/workers/shard',
      'src/workers/time',
      'src/workers/health',
      ...LIB,
    ],
    packages: [...NATS, 'pino', 'node:*'],
  },
  {
    of: 'src/workers/sweep',
    asks: 'Who finds what has fallen due, and when?',
    imports: [...CORE, 'src/workers/time', 'src/workers/health', ...LIB],
    packages: [...NATS, 'bullmq', 'pino', 'node:*'],
  },
  {
    of: 'src/workers/queries',
    asks: 'Who may ask what, and who answers?',
    imports: [...CORE, ...LIB],
    packages: [...NATS, 'pino', 'node:*'],
  },
  {
    of: 'src/workers/process',
    asks: 'What does one worker process start, in which order, and how does it stop?',
    imports: [...CORE, 'src/workers*', ...LIB],
    packages: [...NATS, 'bullmq', 'pino', 'prom-client', 'node:*'],
  },
  {
    of: 'src/workers/config.ts',
    asks: 'Which settings does a process read from its environment?',
    imports: ['src/protocol', 'src/bus', ...LIB],
    packages: ['zod', 'node:os'],
  },
  {
    of: 'src/client/core',
    asks: 'How is a decision published and its outcome found, and how are events read?',
    imports: ['src/protocol', 'src/rules', 'src/bus', ...LIB],
    packages: [...NATS, 'node:crypto'],
  },
  {
    of: 'src/client/managers',
    asks: 'Which calls are there for pools, tasks and what agents decide together?',
    imports: ['src/protocol', 'src/rules', 'src/bus', 'src/client/core', ...LIB],
    packages: ['node:crypto'],
  },
  {
    of: 'src/client/agent',
    asks: 'What does an Agent do by itself? Agents need NATS and nothing else.',
    imports: ['src/protocol', 'src/client/core', 'src/client/managers', ...LIB],
    packages: ['node:crypto'],
  },
  {
    of: 'src/client/*',
    asks: 'Which names of the client are public?',
    imports: ['src/client*', 'src/bus', 'src/protocol'],
    packages: [],
  },
  {
    of: 'src/servers',
    asks: 'How is a redis-server or a nats-server found and started? It knows nothing of Converge.',
    imports: LIB,
    packages: ['ioredis', 'node:*'],
  },
  {
    of: 'src/lib/program',
    asks: 'How does any program read its command line and end? It knows nothing of Converge.',
    imports: LIB,
    packages: ['node:child_process', 'node:util'],
  },
  {
    of: 'src/cli',
    asks: 'What does the command `converge` do?',
    imports: [
      'src/protocol',
      'src/state',
      'src/bus',
      'src/auth',
      'src/workers*',
      'src/client*',
      'src/servers',
      'src/lib/program',
      ...LIB,
    ],
    packages: [...NATS, 'commander', 'pino', 'zod', 'node:*'],
  },
  {
    of: 'src/index.ts',
    asks: 'Which names does the package export?',
    imports: ['src/protocol', 'src/rules', 'src/client*', 'src/lib'],
    packages: [],
  },
  {
    of: 'src/lib',
    asks: 'Which small tools does every folder use: errors, timers, waits, texts?',
    imports: [],
    packages: ['zod'],
  },

  // Show me.
  {
    of: 'demo',
    asks: 'How do a hundred agents look at work?',
    imports: [
      'src/protocol',
      'src/rules',
      'src/state',
      'src/bus',
      'src/auth',
      'src/workers*',
      'src/client*',
      'src/servers',
      'src/lib/program',
      'verify/kit/chance',
      'verify/kit/history',
      'verify/kit/system',
      ...LIB,
    ],
    packages: [...NATS, 'node:*'],
  },
  {
    of: 'examples',
    asks: 'How does an agent use the package? By its public names alone.',
    imports: ['src/index.ts'],
    packages: ['node:fs', 'node:url'],
  },

  // How do we know?
  {
    of: 'verify/kit/chance',
    asks: 'What is left to chance, and how is it played again?',
    imports: [],
    packages: [],
  },
  {
    of: 'verify/kit/history',
    asks: 'Is what was told and published a history that the public protocol allows? Besides that it knows what verification knows of each decision type.',
    imports: ['src/protocol', 'verify/kit/decisions'],
    packages: ['node:crypto'],
  },
  {
    of: 'verify/kit/decisions',
    asks: 'What may agents decide, of every type, and how is it drawn?',
    imports: ['src/protocol', 'verify/kit/chance'],
    packages: [],
  },
  {
    of: 'verify/kit/system',
    asks: 'How does a run get servers and worker processes of its own, and leave nothing behind?',
    imports: [
      'src/protocol',
      'src/bus',
      'src/auth',
      'src/workers*',
      'src/servers',
      'src/lib/program',
      ...LIB,
    ],
    packages: ['zod', 'node:*'],
  },
  {
    of: 'verify/kit/waiting',
    asks: 'Does a task wait beside an agent that stands by for it? It knows documents, and none of the rules that use them.',
    imports: ['src/protocol'],
    packages: [],
  },
  {
    of: 'verify/sim',
    asks: 'Does the core hold on servers that fail on purpose, seed by seed?',
    imports: [
      'src/protocol',
      'src/handlers',
      'src/state',
      'src/bus',
      'src/workers*',
      'verify/kit/chance',
      'verify/kit/decisions',
      'verify/kit/waiting',
      'src/lib/program',
      'src/lib',
    ],
    packages: ['pino', 'node:crypto'],
  },
  {
    of: 'verify/chaos',
    asks: 'Does the whole system hold while processes, links and disks fail?',
    imports: [
      'verify/chaos/checker',
      'verify/chaos/history/entries.ts',
      'src/protocol',
      'src/state',
      'src/bus',
      'src/servers',
      'verify/kit/chance',
      'verify/kit/decisions',
      'verify/kit/system',
      'verify/kit/waiting',
      'src/lib/program',
      ...LIB,
    ],
    packages: [...NATS, 'bullmq', 'zod', 'node:*'],
  },
  {
    of: 'verify/chaos/checker',
    asks: 'Is the history of a run one that the public protocol allows? It knows nothing else.',
    imports: ['verify/chaos/history/entries.ts', 'src/protocol', 'verify/kit/history'],
    packages: [],
  },
  {
    of: 'verify/chaos/history/entries.ts',
    asks: 'How is what was sent and heard in a run written down?',
    imports: [],
    packages: ['zod'],
  },
  {
    of: 'verify/fuzz',
    asks: 'Does everything that decodes hold for inputs that nobody expects?',
    imports: [
      'src/protocol',
      'src/handlers',
      'src/state',
      'src/bus',
      'src/workers*',
      'src/client*',
      'src/cli',
      'src/lib/program',
      'src/lib',
      'verify/kit/chance',
      'verify/kit/decisions',
    ],
    packages: ['nats', 'node:*'],
  },
  {
    of: 'verify/security',
    asks: 'Does every attack on a running system fail?',
    imports: [
      'src/protocol',
      'src/bus',
      'src/workers*',
      'src/client*',
      'src/cli',
      'src/servers',
      'verify/kit/system',
      'src/lib/program',
      'src/lib',
    ],
    packages: [...NATS, 'pino', 'node:*'],
  },
  {
    of: 'verify/bench',
    asks: 'How fast is it, next to others?',
    imports: [
      'src/protocol',
      'src/state',
      'src/bus',
      'src/workers*',
      'src/servers',
      'verify/kit/system',
      'src/lib/program',
      'src/lib',
    ],
    packages: [...NATS, 'bullmq', 'bee-queue', 'ioredis', 'pg-boss', 'pino', 'zod', 'node:*'],
  },
  { of: 'test', asks: 'Does each rule hold?', imports: ['*'], packages: ['*'] },

  // Build it.
  {
    of: 'scripts',
    asks: 'What builds, checks and mutates the sources?',
    imports: [],
    packages: ['@stryker-mutator/core', 'fast-check', 'oxc-parser', 'vitest', 'node:*', 'computed'],
  },
  { of: './*', asks: 'How are the tools configured?', imports: [], packages: ['vitest/config'] },
];
