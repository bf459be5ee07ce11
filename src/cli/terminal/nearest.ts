/** The word that the user probably meant: one that differs in at most a third, or else the only one that begins so. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const lower = typed.toLowerCase();
  const [best] = words
    // Compare the lengths first: they bound the distance, and the typed text may be very long.
    .filter((word) => Math.abs(word.length - lower.length) <= allowed(word))
    .map((word) => ({ word, distance: distanceOf(lower, word) }))
    .filter(({ word, distance }) => distance <= allowed(word))
    .sort((a, b) => a.distance - b.distance);
  if (best) return best.word;
  const [only, ...others] = words.filter((word) => word.startsWith(lower));
  return others.length === 0 ? only : undefined;
}

function allowed(word: string): number {
  return Math.max(1, Math.floor(word.length / 3));
}

/** How many letters to insert, delete, replace or swap (Damerau–Levenshtein, each position edited at most once). */
function distanceOf(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = at(row - 1, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const swapped = isSwap ? at(row - 2, column - 2) + 1 : replaced;
      current.push(Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, replaced, swapped));
    }
  }
  return at(from.length, to.length);
}
