/** Rows and values of a table that were not stored as they came. */
export interface RefusalCounts {
  /** Rows that came, those that were refused included. */
  readonly read: number;
  /** Why some of those in the quarantine were refused, for people. */
  readonly examples: readonly string[];
  /** Rows that went into the quarantine. */
  readonly quarantined: number;
  /** Rows that were left out. */
  readonly rows: number;
  /** Values that were left out of rows that were stored. */
  readonly values: number;
}

/** What is refused in the course of one run, cut where the rows of its stream are cut. By table. */
export interface Refusals {
  /** Counts what was just refused. */
  add(table: string, counts: Partial<RefusalCounts>): void;
  /** What was refused so far in this run, without what was taken back. */
  of(table: string): RefusalCounts;
  /** A rollback comes back to here. */
  seal(): void;
  /** What came after the last seal is taken back; `generation`: after the last commit. */
  rollback(generation: boolean): void;
  /** What was sealed is committed: gives what of it is new since the last commit. */
  commit(): ReadonlyMap<string, RefusalCounts>;
}

/** No refusals. */
const noRefusals: RefusalCounts = { read: 0, examples: [], quarantined: 0, rows: 0, values: 0 };

/** How many reasons are kept for people. */
const maxExamples = 3;

/** The refusals of a stream of which nothing has been read. */
export function createRefusals(): Refusals {
  let counts = new Map<string, RefusalCounts>();
  let sealed: ReadonlyMap<string, RefusalCounts> = new Map();
  let committed: ReadonlyMap<string, RefusalCounts> = new Map();
  return {
    add(table, more) {
      counts.set(table, addRefusals(counts.get(table) ?? noRefusals, { ...noRefusals, ...more }, 1));
    },
    of: (table) => counts.get(table) ?? noRefusals,
    seal() {
      sealed = new Map(counts);
    },
    rollback(generation) {
      if (generation) sealed = committed;
      counts = new Map(sealed);
    },
    commit() {
      const news = new Map(
        Array.from(sealed, ([table, all]) => [
          table,
          addRefusals(all, committed.get(table) ?? noRefusals, -1),
        ]),
      );
      committed = sealed;
      return news;
    },
  };
}

/** Two counts together, the second `times` over. */
function addRefusals(a: RefusalCounts, b: RefusalCounts, times: 1 | -1): RefusalCounts {
  return {
    read: a.read + times * b.read,
    examples:
      times === 1 && b.examples.length > 0
        ? [...new Set([...a.examples, ...b.examples])].slice(0, maxExamples)
        : a.examples,
    quarantined: a.quarantined + times * b.quarantined,
    rows: a.rows + times * b.rows,
    values: a.values + times * b.values,
  };
}
