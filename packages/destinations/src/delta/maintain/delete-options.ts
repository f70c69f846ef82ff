import type { Condition } from "@alluvium/core";
import type { CareOptions } from "./target.ts";

/** What `delete` deletes. */
export interface DeleteOptions extends CareOptions {
  /** The rows that satisfy every condition. At least one is asked for. */
  readonly where: readonly Condition[];
  /**
   * For requests of erasure: the bytes go too. Files that hold such rows – deleted ones included, which earlier merges left behind – are
   * written again without them, so that neither data nor statistics of the new version have a trace; staged files of loads are looked
   * through; and the result says what older versions still hold, and until when. @default false
   */
  readonly purge?: boolean;
}

/** What `delete` did. */
export interface DeleteResult {
  /** The version that it committed; `undefined` where no file held such a row. */
  readonly version: number | undefined;
  /** Rows that were there and are no longer. */
  readonly rowsDeleted: number;
  /** Files that got a deletion vector, or another one. */
  readonly filesMarked: number;
  /** Files that went as a whole, or were written again. */
  readonly filesRemoved: number;
  /** Files that hold the rows which stay of those. */
  readonly filesAdded: number;
  /** With `purge`: what is left of the rows outside of the table's newest version. */
  readonly remains: DeletedRemains | undefined;
}

/** Where rows still are after they were purged. */
export interface DeletedRemains {
  /**
   * The newest version that still holds them; it and those before it can be read until `vacuum` deletes their files. `undefined`: no
   * version that this call saw holds them; it found nothing to erase.
   */
  readonly untilVersion: number | undefined;
  /** From this time on a `vacuum` with the table's own retention deletes those files. An earlier one takes `unsafeRetention`. */
  readonly filesUntil: Date;
  /**
   * From this time on it also deletes the log files that hold their statistics (a bound may be a value of theirs), as far as a checkpoint
   * is there that needs none of them.
   */
  readonly logUntil: Date;
  /** Staged files that no committed load names and that held such rows. They were deleted, with the rows of others. */
  readonly stagedDeleted: readonly string[];
}
