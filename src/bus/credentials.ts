/**
 * The credentials of a connection: a file with a user's JWT and seed, an nkey's seed, a name and password, or a
 * token; and the files of TLS. Files are read again at every reconnect, so that credentials can be replaced under a
 * running process.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats';
import { CredentialsError, messageOf } from '../lib/errors.ts';
import { shortened } from '../lib/shortened.ts';
import { defined } from '../protocol/defined.ts';
import { type Identity, identityOfInboxes, inboxPrefix } from '../protocol/identity.ts';
import { isObject } from '../protocol/json.ts';
import { identityIn, jwtIn, seedIn } from '../protocol/seed-file.ts';

/** What proves to the NATS server who connects: one of several kinds, as the server asks for it. */
export interface NatsCredentials {
  /** A creds file, as nsc makes it. */
  readonly creds?: string | undefined;
  /** A file with the seed of an nkey, as `converge auth` makes it. */
  readonly nkey?: string | undefined;
  /** The seed itself. */
  readonly seed?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Files of TLS: the authority that signed the server's certificate; a certificate of one's own, with its key. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** As whom the server knows us. Left out: as the file says. */
  readonly identity?: Identity | undefined;
  /** The inboxes begin with it. Left out: as the identity's do. */
  readonly inboxPrefix?: string | undefined;
}

const MAX_SHOWN_CHARS = 200;

/** A NATS context, as the `nats` command keeps them: where the server is, and the credentials for it. */
export interface NatsContext {
  readonly url: string | undefined;
  readonly credentials: NatsCredentials;
}

/** `name` is that of a context in the folder, or the path of its file. */
export function readContext(name: string, folder: string | undefined, home = ''): NatsContext {
  const isPath = name.includes('/') || name.endsWith('.json');
  if (!isPath && folder === undefined)
    throw new CredentialsError(
      `NATS context ${named(name)}: give the path of its file, there is no home directory`,
    );
  const file = isPath ? name : join(folder ?? '', `${name}.json`);
  const text = textOf(file);
  let context: unknown;
  try {
    context = JSON.parse(text);
  } catch {
    context = undefined;
  }
  if (!isObject(context)) throw new CredentialsError(`NATS context ${named(file)} is not JSON`);
  const field = (key: string): string | undefined => {
    const value = context[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const path = (key: string): string | undefined => field(key)?.replace(/^~(?=\/)/, home);
  return {
    url: field('url'),
    credentials: {
      creds: path('creds'),
      nkey: path('nkey'),
      user: field('user'),
      password: field('password'),
      token: field('token'),
      ca: path('ca'),
      cert: path('cert'),
      key: path('key'),
      inboxPrefix: field('inbox_prefix'),
    },
  };
}

/** Whether they say who we are; files of TLS alone do not. */
export function isProof({ creds, nkey, seed, user, token }: NatsCredentials): boolean {
  return [creds, nkey, seed, user, token].some((each) => each !== undefined);
}

/**
 * With what the URL says, where nothing else proves who we are: `nats://user:password@host`, `nats://token@host`, which
 * the library takes no notice of.
 */
export function withProofIn(
  url: string,
  credentials: NatsCredentials | undefined,
): NatsCredentials | undefined {
  if (credentials !== undefined && isProof(credentials)) return credentials;
  const [, user, password] = /^[a-z+]+:\/\/([^:@/,]+)(?::([^@/,]*))?@/.exec(url) ?? [];
  if (user === undefined) return credentials;
  const proof =
    password === undefined ? { token: decoded(user) } : { user: decoded(user), password: decoded(password) };
  return { ...credentials, ...proof };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As whom the credentials are known, where they say so. Throws a {@link CredentialsError} when a file cannot be read. */
export function identityOf({
  identity,
  creds,
  nkey,
  inboxPrefix: prefix,
}: NatsCredentials): Identity | undefined {
  const file = creds ?? nkey;
  const inFile = file === undefined ? undefined : identityIn(textOf(file));
  return identity ?? inFile ?? (prefix === undefined ? undefined : identityOfInboxes(prefix));
}

export function inboxPrefixOf(
  credentials: NatsCredentials,
  fallback: Identity | undefined,
): string | undefined {
  const identity = identityOf(credentials) ?? (isProof(credentials) ? fallback : undefined);
  return credentials.inboxPrefix ?? (identity === undefined ? undefined : inboxPrefix(identity));
}

/** Throws a {@link CredentialsError} when there are none, or more than one kind. */
export function authenticatorOf(credentials: NatsCredentials): Authenticator | undefined {
  const { creds, nkey, seed, user, token, password } = credentials;
  const given = Object.entries({ creds, nkey, seed, user, token }).filter(([, value]) => value !== undefined);
  if (given.length > 1)
    throw new CredentialsError(
      `give one kind of credentials, not ${given.map(([kind]) => kind).join(' and ')}`,
    );
  if (password !== undefined && user === undefined) throw new CredentialsError('a password without a user');
  if (creds !== undefined) return credsAuthenticator(rereading(creds, credsOf(creds)));
  if (nkey !== undefined) return nkeyAuthenticator(rereading(nkey, seedOf(nkey)));
  if (seed !== undefined) return nkeyAuthenticator(bytesOf(seedOf('the seed')(seed)));
  if (user !== undefined) return usernamePasswordAuthenticator(user, password);
  return token === undefined ? undefined : tokenAuthenticator(token);
}

export function tlsOf({ ca, cert, key }: NatsCredentials): TlsOptions | undefined {
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined))
    throw new CredentialsError('a certificate and its key belong together: one of them is missing');
  for (const file of [ca, cert, key]) if (file !== undefined) textOf(file);
  return {
    ...defined({ caFile: ca }),
    ...(cert === undefined || key === undefined ? {} : { certFile: cert, keyFile: key }),
  };
}

/** Read at once, so that a fault is reported at once; if the file vanishes later, its last content counts. */
function rereading(file: string, usable: (text: string) => string): () => Uint8Array {
  let last = bytesOf(usable(textOf(file)));
  return () => {
    try {
      last = bytesOf(usable(textOf(file)));
    } catch {
      // Being replaced at this moment, perhaps.
    }
    return last;
  };
}

function credsOf(file: string): (text: string) => string {
  return (text) => {
    if (jwtIn(text) === undefined || seedIn(text) === undefined)
      throw new CredentialsError(
        `${named(file)} is not a creds file: it must hold the JWT of a user and its seed`,
      );
    return text;
  };
}

function seedOf(where: string): (text: string) => string {
  return (text) => {
    const seed = seedIn(text);
    if (seed === undefined) throw new CredentialsError(`${named(where)} holds no seed of a user (SU…)`);
    return seed;
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CredentialsError(
      `could not read ${named(file)}: ${shortened(messageOf(error), MAX_SHOWN_CHARS)}`,
      { cause: error },
    );
  }
}

/** Paths come from settings and from contexts, and can be of any length. */
function named(path: string): string {
  return shortened(path, MAX_SHOWN_CHARS);
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}
