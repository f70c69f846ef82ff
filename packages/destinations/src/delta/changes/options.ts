import type { Batch } from "@alluvium/core/columns";

/** Which changes `changes` gives. */
export interface ChangesOptions {
  /** The first version whose changes are wanted. */
  readonly from: number;
  /** The last one. @default the newest */
  readonly to?: number;
  /** Columns, in the order wanted. @default all, in the table's order */
  readonly columns?: readonly string[];
  /**
   * Columns that identify a row. Rows that a version takes away and brings back unchanged (a merge that writes whole files again) are
   * then left out, and of a row that changed come both forms, as `updateBefore` and `updateAfter`. Without it they come as `delete`
   * and `insert`. @default none
   */
  readonly key?: readonly string[];
  /** Bytes of memory for comparing rows by key. @default 96 MiB */
  readonly budget?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** What happened to rows. */
export type ChangeKind = "insert" | "delete" | "updateBefore" | "updateAfter";

/** Rows that one version changed in one way. */
export interface ChangeBatch {
  readonly version: number;
  /** When the version was committed, as `history` has it. */
  readonly timestamp: Date;
  readonly kind: ChangeKind;
  /** The rows, with the columns that the table has at the last version wanted. */
  readonly batch: Batch;
}
