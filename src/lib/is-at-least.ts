/** Is a version at least the other, number by number? What cannot be read counts as new. */
export function isAtLeast(version: string, least: string): boolean {
  const wanted = least.split('.').map(Number);
  const found = version.split(/[.-]/).map(Number);
  for (const [i, number] of wanted.entries()) {
    const other = found[i] ?? 0;
    if (Number.isNaN(other) || other > number) return true;
    if (other < number) return false;
  }
  return true;
}
