/** A file with the seed of one key, and a line that says whose it is: client and command need to be told nothing else. */
import { type Identity, identityOfInboxes, ROLES } from './identity.ts';
import { isObject } from './json.ts';

export function seedFileText({ role, name }: Identity, seed: string): string {
  return `# converge ${role} ${name}\n${seed}\n`;
}

/** Copied from a terminal, lines may be indented; from elsewhere, they may end in CR. */
const WHOSE = /^[ \t]*# converge (\w+) ([A-Za-z0-9_-]{1,64})\s*$/m;

/** Whose the file is, if it says so: in the line, or, a creds file, by the inboxes that its JWT allows. */
export function identityIn(text: string): Identity | undefined {
  const [, word, name] = WHOSE.exec(text) ?? [];
  const role = ROLES.find((each) => each === word);
  return role === undefined || name === undefined ? identityInJwt(text) : { role, name };
}

const JWT = /^-+BEGIN NATS USER JWT-+\s+([\w-]+\.([\w-]+)\.[\w-]+)\s*$/m;

/** The user's JWT in a creds file. */
export function jwtIn(text: string): string | undefined {
  return JWT.exec(text)?.[1];
}

/** Nothing is verified: the server does that, and what is made of it here are names of one's own. */
function identityInJwt(text: string): Identity | undefined {
  const claims = parsed(JWT.exec(text)?.[2] ?? '');
  const user = isObject(claims) && isObject(claims.nats) ? claims.nats : {};
  const allowed = isObject(user.sub) && Array.isArray(user.sub.allow) ? user.sub.allow : [];
  for (const subject of allowed) {
    if (typeof subject !== 'string' || !subject.endsWith('.>')) continue;
    const identity = identityOfInboxes(subject.slice(0, -'.>'.length));
    if (identity !== undefined) return identity;
  }
  return undefined;
}

function parsed(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The user's seed in the text, whatever is around it. */
export function seedIn(text: string): string | undefined {
  return /^[ \t]*(SU[A-Z2-7]{56})\s*$/m.exec(text)?.[1];
}
