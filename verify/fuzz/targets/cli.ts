/**
 * Command lines: every call ends with one of our exit codes and says why, and none that is wrong reaches a server. Calls
 * that would are kept from it by a setting that nobody can use; decisions and queries all have a fault.
 */
import { PassThrough } from 'node:stream';
import { runCli } from '../../../src/cli/cli.ts';
import { EXIT } from '../../../src/lib/program/exit.ts';
import { QUERIES } from '../../../src/protocol/queries.ts';
import type { Random } from '../../kit/chance/random.ts';
import { validDecision } from '../corpus/decisions.ts';
import { mutatedJson } from '../mutate/json.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must } from '../oracle.ts';
import type { Target } from './target.ts';

const COMMANDS = [
  'dev',
  'worker',
  'tail',
  'doctor',
  'rebuild',
  'digest',
  'schema',
  'publish',
  'query',
] as const;
const WORDS = [
  '--json',
  '--help',
  '--version',
  '--',
  '-',
  '-x',
  '--shards',
  '--timeout',
  '5s',
  '0',
  'events',
  'help',
] as const;
const OPTIONS = [
  '--agent',
  '--id',
  '--pool',
  '--since',
  '--count',
  '--data-dir',
  '--workers',
  '--nats-port',
  '--http-port',
] as const;
/** A setting that does not exist, which no option can put right: whoever needs a configuration ends there. */
const UNUSABLE = { CONVERGE_SHARD: '1' };
/** Nobody listens on port 1 of this machine. */
const NOWHERE = { CONVERGE_NATS_URL: 'nats://127.0.0.1:1', CONVERGE_SHARDS: '1' };
const MAX_SPOKEN_CHARS = 16 * 1_024;
const EXITS: readonly number[] = Object.values(EXIT);

export const cliTarget: Target = {
  name: 'cli',
  share: 0.02,
  trial(random) {
    const command = random.pick(COMMANDS);
    const argv = [command, ...argumentsOf(command, random)];
    for (let i = random.integer(3); i > 0; i--)
      argv.splice(random.integer(argv.length + 1), 0, anyWord(random));
    // What is only about the form of decisions and queries is judged before anything is asked: let it get that far.
    const isJudged = argv[0] === 'publish' || argv[0] === 'query';
    const env = isJudged ? NOWHERE : UNUSABLE;
    return { input: Buffer.from(JSON.stringify({ argv, env })), run: () => check(argv, env) };
  },
};

function anyWord(random: Random): string {
  const kind = random.integer(4);
  if (kind === 0) return random.pick(WORDS);
  if (kind === 1) return `${random.pick(OPTIONS)}=${nastyText(random)}`;
  if (kind === 2) return random.pick(OPTIONS);
  return nastyText(random);
}

function argumentsOf(command: string, random: Random): string[] {
  if (command === 'publish') {
    const { type, ...fields } = validDecision(random);
    const words = random.chance(0.5)
      ? [wrong(mutatedJson(fields, 1 + random.integer(2), random))]
      : keyValues(fields, random);
    return ['work', random.chance(0.9) ? type : nastyText(random), ...words];
  }
  if (command === 'query') {
    const names = Object.keys(QUERIES);
    const name = names[random.integer(names.length)] ?? 'stats';
    return [random.chance(0.9) ? name : nastyText(random), ...keyValues({ limit: -1 }, random)];
  }
  if (command === 'tail') return [random.pick(['events', 'results', 'sweeps', 'deadletters'])];
  return [];
}

/** A member that no schema has: the decision cannot be sent, whatever the mutation has left of it. */
function wrong(json: string): string {
  return json.replace(/^\{/, '{"fuzz":1,').replace(',}', '}');
}

function keyValues(fields: object, random: Random): string[] {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name}=${random.chance(0.3) ? nastyText(random) : JSON.stringify(value)}`,
  );
  return ['fuzz.a.b=1', ...words, ...(random.chance(0.2) ? [`__proto__.polluted=${nastyText(random)}`] : [])];
}

async function check(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const stdin = new PassThrough().end();
  const spoken: string[] = [];
  const listener = (): PassThrough => new PassThrough().on('data', (chunk) => spoken.push(String(chunk)));
  const code = await runCli({
    argv,
    env,
    cwd: '/nonexistent',
    stdin,
    stdout: listener(),
    stderr: listener(),
  });
  must(EXITS.includes(code), `it ended with ${code}`);
  must(code !== EXIT.unavailable, 'it asked a server for something that is wrong');
  must(code !== EXIT.failure, `it failed instead of saying what is wrong: ${spoken.join('').slice(0, 300)}`);
  const text = spoken.join('');
  const isSchema = argv.includes('schema');
  must(isSchema || text.length <= MAX_SPOKEN_CHARS, `it said ${text.length} characters`);
  must(text.isWellFormed(), 'it said half a character');
  must(!/\n\s+at \S+ \(/.test(text), 'it told a stack');
}
