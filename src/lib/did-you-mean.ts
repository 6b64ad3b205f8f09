/** "Did you mean": the known name that is nearest to a mistyped one. */
export function didYouMean(typed: string, names: Iterable<string>): string {
  let nearest = '';
  let least = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const name of names) {
    // Each letter too many costs at least one: a text of any length is compared with names of about its own only.
    if (Math.abs(name.length - typed.length) >= least) continue;
    const distance = editDistance(typed.toLowerCase(), name.toLowerCase());
    if (distance < least) {
      nearest = name;
      least = distance;
    }
  }
  return nearest === '' ? '' : `; did you mean ${nearest}?`;
}

/** Levenshtein's distance: insertions, deletions and replacements of single letters. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replace));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
