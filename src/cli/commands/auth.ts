import { relative, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { AuthFolder, type Credentials } from '../../auth/auth-folder.ts';
import {
  begin,
  type CredentialFiles,
  credentialFiles,
  redisEnvironment,
  redisUrls,
  renewRedis,
} from '../../auth/begin.ts';
import { MAX_KEYS } from '../../auth/register.ts';
import { AuthFolderError } from '../../lib/errors.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { defined } from '../../protocol/defined.ts';
import { inboxPrefix, type Role } from '../../protocol/identity.ts';
import { accountOf, permissionsOf } from '../../protocol/permissions.ts';
import { seedFileText } from '../../protocol/seed-file.ts';
import { subjects } from '../../protocol/subjects.ts';
import type { Call, Run } from '../call.ts';
import { nameOption, ownNameOption } from '../global-options.ts';
import { aligned, indented } from '../text.ts';

const DEFAULT_AUTH_DIR = 'converge-auth';

interface DirOption {
  readonly dir?: string;
}
interface AddOptions extends DirOption {
  readonly out?: string;
  readonly furtherKey?: true;
  readonly events?: readonly string[];
}
interface RevokeOptions extends DirOption {
  readonly key?: string;
}
interface RedisOptions extends DirOption {
  readonly out?: string;
  readonly replace?: true;
}

const ADDABLE: readonly (readonly [Role, string])[] = [
  ['agent', 'decides and asks in its own name, and sees open pools and those it is a member of'],
  ['worker', 'runs the system: reads the log, publishes outcomes and events, answers queries, sweeps'],
  ['operator', 'sees everything, and decides for the system'],
  ['observer', 'sees everything but the log and the dead letters, and decides nothing'],
];

export function addAuth(program: Command, run: Run): void {
  const auth = program
    .command('auth')
    .description('create and maintain the configuration that tells NATS and Redis who may do what')
    .addHelpText('after', AFTER);
  withDir(auth.command('init'))
    .description('create the register, a worker, an operator and the users of Redis')
    .action((options: DirOption, command: Command) => run(command, (call) => init(call, options)));
  for (const [role, what] of ADDABLE) {
    const add = withDir(auth.command(`add-${role}`))
      .description(what)
      .argument('<name>', 'its name', ownNameOption)
      .option('--out <file>', 'write the seed to this file instead of printing it')
      .option('--further-key', `add a key to an existing name, to replace the old one (at most ${MAX_KEYS})`);
    if (role === 'agent')
      add.option('--events <pools...>', 'pools whose events it may also subscribe to directly', namesOption);
    add.action((name: string, options: AddOptions, command: Command) =>
      run(command, (call) => addIdentity(call, role, name, options)),
    );
  }
  withDir(auth.command('revoke'))
    .description('revoke a name, or one of its keys; the server closes its connections when it reloads')
    .argument('<name>', 'whose', nameOption)
    .option('--key <public key>', 'only this key')
    .action((name: string, options: RevokeOptions, command: Command) =>
      run(command, (call) => revoke(call, name, options)),
    );
  withDir(auth.command('show'))
    .description('list who may connect and what each may do')
    .argument('[name]', 'only this one, with its permissions', nameOption)
    .action((name: string | undefined, options: DirOption, command: Command) =>
      run(command, (call) => show(call, name, options)),
    );
  withDir(auth.command('redis'))
    .description('create the users of Redis: an ACL file, and URLs with passwords, which are shown once')
    .option('--out <file>', 'write the URLs to this environment file instead of printing them')
    .option('--replace', 'make new passwords, also in credentials/redis.env; the old ones stop working')
    .action((options: RedisOptions, command: Command) => run(command, (call) => redis(call, options)));
}

const AFTER = `
The server's configuration includes the file nats-accounts.conf of the folder; a change takes effect when the server
reloads it (SIGHUP, or nats-server --signal reload=<pid>); converge dev --auth reloads by itself. See docs/security.md.`;

function withDir(command: Command): Command {
  return command.option(
    '--dir <folder>',
    `the folder of the register (CONVERGE_AUTH_DIR, or ${DEFAULT_AUTH_DIR})`,
  );
}

function folderOf({ cwd, env }: Call, { dir }: DirOption): AuthFolder {
  const given = dir ?? env.CONVERGE_AUTH_DIR;
  return new AuthFolder(resolve(cwd, given === undefined || given === '' ? DEFAULT_AUTH_DIR : given));
}

async function init(call: Call, options: DirOption): Promise<number> {
  const { namespace, shards, logStreams, redisUrl } = call.config();
  const folder = folderOf(call, options);
  const identities = await begin(folder, { namespace, shards, logStreams, redisUrl });
  const files = credentialFiles(folder);
  const answer = {
    folder: folder.path,
    namespace,
    shards,
    nats: folder.natsFile,
    redis: folder.redisFile,
    credentials: files,
    identities,
  };
  await call.out.data(answer, () => initText(call, folder, files));
  return EXIT.ok;
}

function initText({ cwd }: Call, folder: AuthFolder, files: CredentialFiles): string {
  const shown = (file: string): string => relative(cwd, file) || file;
  const rows = [
    ['for the NATS server', `include ${shown(folder.natsFile)} (seen from the file that includes it)`],
    ['for Redis', `aclfile ${folder.redisFile}`],
    [
      'for workers',
      `CONVERGE_AUTH=true CONVERGE_NATS_NKEY=${shown(files.worker)}, and what ${shown(files.redis)} says`,
    ],
    [
      'for operators',
      `CONVERGE_NATS_NKEY=${shown(files.operator)}; doctor, digest and rebuild need the same Redis URLs as the workers`,
    ],
    ['for agents', 'converge auth add-agent <name>'],
  ];
  return `${folder.path} is ready; only you can read it.\n\n${indented(aligned(rows))}`;
}

async function addIdentity(call: Call, role: Role, name: string, options: AddOptions): Promise<number> {
  const folder = folderOf(call, options);
  const file = options.out === undefined ? undefined : resolve(call.cwd, options.out);
  const { events, furtherKey } = options;
  const credentials = await folder.add({ role, name, events }, { file, isFurtherKey: furtherKey });
  const { publicKey, seed } = credentials;
  const secret = file === undefined ? { seed } : { file };
  await call.out.data({ role, name, publicKey, inboxPrefix: inboxPrefix(credentials), ...secret }, () =>
    addedText(credentials, file),
  );
  call.out.say('it can connect once the NATS server has reloaded its configuration (SIGHUP)');
  return EXIT.ok;
}

function addedText({ role, name, publicKey, seed }: Credentials, file: string | undefined): string {
  if (file !== undefined) return `${role} ${name}: key ${publicKey}, its seed is in ${file}`;
  const text = indented(seedFileText({ role, name }, seed).trimEnd());
  return `${role} ${name}: key ${publicKey}\n\nIts credentials, for a file that CONVERGE_NATS_NKEY names; they are shown only now:\n\n${text}`;
}

async function revoke(call: Call, name: string, options: RevokeOptions): Promise<number> {
  await folderOf(call, options).revoke(name, options.key);
  const { key } = options;
  await call.out.data({ revoked: name, ...defined({ key }) }, () =>
    key === undefined ? `${name} is revoked` : `key ${key} of ${name} is revoked`,
  );
  call.out.say('its connections close once the NATS server has reloaded its configuration (SIGHUP)');
  return EXIT.ok;
}

async function show(call: Call, name: string | undefined, options: DirOption): Promise<number> {
  const { namespace, shards, logStreams, identities } = await folderOf(call, options).read();
  if (name === undefined) {
    await call.out.data({ namespace, shards, identities }, () => {
      const rows = identities.map(({ role, name: of, keys, addedAt }) => [role, of, addedAt, keys.join(' ')]);
      return `namespace ${namespace}, ${shards} shards\n\n${aligned(rows)}`;
    });
    return EXIT.ok;
  }
  const entry = identities.find((each) => each.name === name);
  if (entry === undefined)
    throw new AuthFolderError('unknown_identity', `there is no identity called ${name}`);
  const shown = {
    ...entry,
    account: accountOf(entry),
    inboxPrefix: inboxPrefix(entry),
    ...permissionsOf(entry, subjects(namespace, logStreams)),
  };
  await call.out.data(shown, () => {
    const rows = [
      ['account', shown.account],
      ['inboxes', shown.inboxPrefix],
      ...shown.keys.map((key) => ['key', key]),
      ...shown.publish.map((subject) => ['publish', subject]),
      ...shown.subscribe.map((subject) => ['subscribe', subject]),
    ];
    return `${entry.role} ${entry.name}\n\n${indented(aligned(rows))}`;
  });
  return EXIT.ok;
}

async function redis(call: Call, options: RedisOptions): Promise<number> {
  const folder = folderOf(call, options);
  const file = options.out === undefined ? undefined : resolve(call.cwd, options.out);
  const { url, passwords } = await renewRedis(folder, {
    redisUrl: call.isRedisGiven ? call.config().redisUrl : undefined,
    isReplacing: options.replace === true,
    file,
  });
  const urls = redisUrls(url, passwords);
  await call.out.data({ aclFile: folder.redisFile, ...(file === undefined ? urls : { file }) }, () =>
    file === undefined ? redisEnvironment(url, passwords).trimEnd() : `the URLs are in ${file}`,
  );
  call.out.say(
    `Redis knows them after a restart with aclfile ${folder.redisFile}; until then the old ones are valid`,
  );
  return EXIT.ok;
}

/** One of several names after one option. */
function namesOption(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('The name of a pool.');
  return [...before, nameOption(text)];
}
