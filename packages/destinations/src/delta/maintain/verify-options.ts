import type { CareOptions } from "./target.ts";

/** What `verify` looks at. */
export interface VerifyOptions extends CareOptions {
  /**
   * Reads every row too, and compares statistics, NOT NULL and row counts with them. Otherwise log, checksums, checkpoint, deletion
   * vectors and the presence and size of files are checked. @default false
   */
  readonly deep?: boolean;
  /** Findings beyond this number are counted, not kept. @default 1 000 */
  readonly limit?: number;
}

/** What `verify` found. */
export interface VerifyResult {
  /** The version that was checked; `undefined` where the log does not say. */
  readonly version: number | undefined;
  /** Files of that version that were looked at. */
  readonly files: number;
  /** Rows that were read (`deep`). */
  readonly rows: number;
  /** Whether nothing is wrong; files that nothing needs do not count. */
  readonly sound: boolean;
  readonly findings: readonly Finding[];
  /** Findings beyond `limit`. */
  readonly more: number;
}

/**
 * What can be found. Damage: `log` (it cannot be replayed, or contradicts itself), `checksum` (a `.crc` says something else than the log),
 * `checkpoint` (likewise), `missing` (a file is gone), `size` (a file is not as long as the log says), `file` (a data file cannot be
 * read, or its columns do not fit), `vector` (a deletion vector is gone, damaged or of another size), `statistics` (they exclude rows
 * that are there), `null` (in a NOT NULL column). No damage: `orphan` (no version and no load needs the file; `vacuum` deletes it when it
 * is old enough).
 */
export type FindingKind =
  | "log"
  | "checksum"
  | "checkpoint"
  | "missing"
  | "size"
  | "file"
  | "vector"
  | "statistics"
  | "null"
  | "orphan";

/** One thing that `verify` found. */
export interface Finding {
  readonly kind: FindingKind;
  /** The file that it is about, within the table. */
  readonly path: string;
  readonly message: string;
}
