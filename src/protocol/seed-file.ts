/** A file with the seed of one key, and a line that says whose it is: client and command need to be told nothing else. */
import { type Identity, ROLES } from './identity.ts';

export function seedFileText({ role, name }: Identity, seed: string): string {
  return `# converge ${role} ${name}\n${seed}\n`;
}

const WHOSE = /^# converge (\w+) ([A-Za-z0-9_-]{1,64})$/m;

/** Whose the file is, if it says so. Also read from a creds file that has the line. */
export function identityIn(text: string): Identity | undefined {
  const [, word, name] = WHOSE.exec(text) ?? [];
  const role = ROLES.find((each) => each === word);
  return role === undefined || name === undefined ? undefined : { role, name };
}

/** The user's seed in the text, whatever is around it. */
export function seedIn(text: string): string | undefined {
  return /^SU[A-Z2-7]{56}$/m.exec(text)?.[0];
}
