/** What a check has seen so far. Never changed in place, so that what was counted can be taken back. */
export interface Tally {
  /** Rows that were looked at. */
  readonly rows: number;
  readonly failed: number;
  readonly examples: readonly string[];
}

/** Values that are shown of what failed. */
export const MOST_EXAMPLES = 5;

/** Nothing yet. */
export const noTally: Tally = { rows: 0, failed: 0, examples: [] };

/** Both together. */
export function addTally(a: Tally, b: Tally): Tally {
  if (b === noTally) return a;
  const examples =
    a.examples.length >= MOST_EXAMPLES || b.examples.length === 0
      ? a.examples
      : [...new Set([...a.examples, ...b.examples])].slice(0, MOST_EXAMPLES);
  return { rows: a.rows + b.rows, failed: a.failed + b.failed, examples };
}
