/** Where in a JSON text something stands, in the words of those who wrote it: `decisions[3].amount`. */

interface Level {
  /** The member that stands there; undefined in an array. */
  name: string | undefined;
  index: number;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/gs;

/** The path of the value that begins where the text ends, which is the beginning of a JSON text; `''` for the whole. */
export function pathAt(text: string): string {
  const levels: Level[] = [];
  let expectsName = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    switch (token) {
      case '{':
        levels.push({ name: '', index: 0 });
        break;
      case '[':
        levels.push({ name: undefined, index: 0 });
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        if (level !== undefined) level.index++;
        break;
      default:
        if (expectsName && level !== undefined) level.name = String(JSON.parse(token));
    }
    expectsName = (token === '{' || token === ',') && levels.at(-1)?.name !== undefined;
  }
  return levels.reduce(
    (path, { name, index }) =>
      name === undefined ? `${path}[${index}]` : path === '' ? name : `${path}.${name}`,
    '',
  );
}
