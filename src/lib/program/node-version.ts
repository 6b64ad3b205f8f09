/**
 * Which Node.js is needed. It must be asked before anything else is loaded, since what is loaded may not even be readable for
 * an older one: so this imports nothing, and its callers nothing else (test/programs/node-version.test.ts).
 */
const OLDEST = 20;
const EXIT_CONFIGURATION = 78;

/** Ends the process with a sentence when its Node.js is too old. */
export function needNode(name: string, version: string = process.versions.node): void {
  const fault = nodeFault(name, version);
  if (fault === undefined) return;
  console.error(fault);
  process.exit(EXIT_CONFIGURATION);
}

export function nodeFault(name: string, version: string): string | undefined {
  if (Number(version.split('.')[0]) >= OLDEST) return undefined;
  return `${name}: Node.js ${OLDEST} or newer is needed, this is ${version} (${process.execPath})`;
}
