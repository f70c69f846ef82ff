import type { ColumnType, MergeOptions, MergeStrategy } from "@alluvium/core";
import type { ChangeSpelling } from "@alluvium/core/testing";

/** Columns of a table, by name. */
export type Columns = Readonly<Record<string, ColumnType>>;
/** A row of the source, by column. */
export type SourceRow = Readonly<Record<string, unknown>>;

/** Changes that are written together. */
export interface Chunk {
  readonly columns: Columns;
  readonly changes: readonly ChangeSpelling[];
  /** They are written, rolled back to the last sealed mark, and written again with all since that mark. */
  readonly isRepeated: boolean;
  /** A sealed mark follows; ordinals then count from 0 again. */
  readonly isSealed: boolean;
  /** The rows of the source after these changes. */
  readonly source: readonly SourceRow[];
}

/** One load: its chunks, and a commit. What is not sealed at its end is carried over into the next one. */
export interface HistoryLoad {
  readonly chunks: readonly Chunk[];
  /** Whether the load is first done without a commit, in a session that is given up. */
  readonly isGivenUp: boolean;
  /** Whether the session ends with the load, so that the next one begins another. Then its last chunk is sealed. */
  readonly endsSession: boolean;
}

/** The history of a table. */
export interface History {
  readonly strategy: MergeStrategy;
  readonly merge: MergeOptions;
  readonly primaryKey: readonly string[];
  readonly loads: readonly HistoryLoad[];
  /** Whether the source's rows are what an upsert must come to. */
  readonly isExact: boolean;
}
