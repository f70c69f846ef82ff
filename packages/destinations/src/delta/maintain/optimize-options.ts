import type { Condition } from "@alluvium/core";
import type { CareOptions } from "./target.ts";

/** What `optimize` does. */
export interface OptimizeOptions extends CareOptions {
  /**
   * Size that files should have. Files below three quarters of it are put together, per partition. The default is the size that loads
   * close their files at, so that full files of loads are never written again; smaller files let readers skip more and merges rewrite
   * less, larger ones keep the log of very large tables short. @default 128 MiB
   */
  readonly targetBytes?: number;
  /** Only files that may hold rows which satisfy all conditions, by partition values and statistics. @default all files */
  readonly where?: readonly Condition[];
  /**
   * Sorts rows by these columns, the first one most, nulls first, so that each file covers a short range of them and readers skip the
   * others. The rows of a whole partition are sorted together and cut into files (an external sort in bounded memory, which needs as
   * much room in the store as the partition takes). A partition whose files all come from one such sort is left alone. @default rows
   * stay in the order of their files
   */
  readonly orderBy?: readonly string[];
  /**
   * Share of a file's rows that are deleted (by deletion vectors) from which it is written again without them, whatever its size.
   * 0: any; 1: only files of which nothing is left. At the default a reader wastes at most a tenth of its reading on dead rows, and an
   * update is copied ten times at most over its life. @default 0.1
   */
  readonly purge?: number;
  /** Stops after about so many bytes have been read: the next call goes on. @default no limit */
  readonly maxBytes?: number;
  /** Says what would be done and does nothing. @default false */
  readonly dryRun?: boolean;
}

/** What `optimize` did, or would do. */
export interface OptimizeResult {
  /** Versions that it committed, ascending: one for about each GiB. */
  readonly versions: readonly number[];
  readonly filesRemoved: number;
  readonly bytesRemoved: number;
  /** 0 in a dry run: only writing tells. */
  readonly filesAdded: number;
  readonly bytesAdded: number;
  /** Rows that were written again. */
  readonly rowsRewritten: number;
  /** Deleted rows that are no longer in any file of the table. */
  readonly rowsPurged: number;
  /** Files whose work was thrown away because others changed them meanwhile; they were looked at again. */
  readonly filesConflicted: number;
}
