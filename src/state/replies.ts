/** Documents in the store were written by commits and by nothing else; their form is not checked again. */
export function parse<T>(json: string): T {
  return JSON.parse(json);
}

/** A flat reply of alternating members and scores, two by two. */
export function pairs(flat: readonly string[]): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return found;
}
