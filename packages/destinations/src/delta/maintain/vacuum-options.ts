import type { Duration } from "@alluvium/core";
import type { CareOptions } from "./target.ts";

/** What `vacuum` deletes. */
export interface VacuumOptions extends CareOptions {
  /**
   * Files that went from the table less than this ago stay, so that versions since then can be read and restored, and readers that began
   * with them can end. Shorter than 7 days, or than what the table says, it is refused unless `unsafeRetention` is set.
   * @default `delta.deletedFileRetentionDuration` of the table, and at least 7 days
   */
  readonly retention?: Duration;
  /**
   * Takes a retention that is shorter than 7 days, or than the table's own, as it is. Older versions, readers and writers of other
   * engines that are at work may lose files. Active runs of this library are waited for: they refuse the call. @default false
   */
  readonly unsafeRetention?: boolean;
  /** Whether log files that are older than `delta.logRetentionDuration` (30 days) go as well, up to a checkpoint. @default true */
  readonly log?: boolean;
  /** Says what would be deleted and deletes nothing. @default false */
  readonly dryRun?: boolean;
}

/** What `vacuum` deleted, or would. */
export interface VacuumResult {
  /** What went from the table before this time was deleted. */
  readonly before: Date;
  /** Data files, files of deletion vectors, and files that no version ever had. */
  readonly files: number;
  readonly bytes: number;
  /** Files that loads, or sorts that were stopped, had put aside. */
  readonly stagedFiles: number;
  /** Commits, checksums and checkpoints. */
  readonly logFiles: number;
  /** The first of all these paths, within the table. At most 1 000. */
  readonly paths: readonly string[];
}
