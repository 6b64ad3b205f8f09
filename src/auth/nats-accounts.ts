/** The register as a configuration that nats-server understands from 2.9 on. To be included by the server's own. */
import { inboxPrefix } from '../protocol/identity.ts';
import {
  AGENTS_ACCOUNT,
  accountOf,
  permissionsOf,
  SYSTEM_ACCOUNT,
  sharedSubjects,
} from '../protocol/permissions.ts';
import { decideMapping, type Subjects, subjects as subjectsOf } from '../protocol/subjects.ts';
import type { Entry, Register } from './register.ts';

export function natsAccounts(register: Register): string {
  const { namespace, shards, identities } = register;
  const subjects = subjectsOf(namespace);
  const { services, streams } = sharedSubjects(subjects);
  const mapping = `    ${decideMapping(namespace, shards)}`;
  const exports = [
    ...services.map((subject) => `{ service: ${quote(subject)}, accounts: [${quote(AGENTS_ACCOUNT)}] }`),
    ...streams.map((subject) => `{ stream: ${quote(subject)}, accounts: [${quote(AGENTS_ACCOUNT)}] }`),
  ];
  const imports = [
    ...services.map(
      (subject) => `{ service: { account: ${quote(SYSTEM_ACCOUNT)}, subject: ${quote(subject)} } }`,
    ),
    ...streams.map(
      (subject) => `{ stream: { account: ${quote(SYSTEM_ACCOUNT)}, subject: ${quote(subject)} } }`,
    ),
  ];
  const usersOf = (account: string): string[] =>
    identities.filter((entry) => accountOf(entry) === account).flatMap((entry) => users(entry, subjects));
  return [
    '# Made by `converge auth`, and made anew by it: do not edit. There are no secrets in here.',
    'accounts {',
    `  ${SYSTEM_ACCOUNT} {`,
    '    jetstream: enabled',
    mapping,
    ...list('exports', exports),
    ...list('users', usersOf(SYSTEM_ACCOUNT)),
    '  }',
    `  ${AGENTS_ACCOUNT} {`,
    mapping,
    ...list('imports', imports),
    ...list('users', usersOf(AGENTS_ACCOUNT)),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** One user for each key: the same name, the same rights. */
function users(entry: Entry, subjects: Subjects): string[] {
  const { publish, subscribe } = permissionsOf(entry, subjects);
  const permissions = `{ publish: { allow: ${quoteAll(publish)} }, subscribe: { allow: ${quoteAll(subscribe)} } }`;
  return entry.keys.map(
    (key) =>
      `# ${entry.role} ${entry.name}, ${inboxPrefix(entry)}\n      { nkey: ${key}, permissions: ${permissions} }`,
  );
}

function list(name: string, items: readonly string[]): string[] {
  return [`    ${name} = [`, ...items.map((item) => `      ${item}`), '    ]'];
}

function quoteAll(subjects: readonly string[]): string {
  return `[${subjects.map(quote).join(', ')}]`;
}

/** Subjects begin with `$`, which only a quoted string keeps from being a variable. */
function quote(text: string): string {
  return JSON.stringify(text);
}
