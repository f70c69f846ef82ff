import type { RowCounts } from "../destination.ts";
import type { Refresh } from "./definition.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import type { CheckResult } from "../quality/check-result.ts";
import type { RunPlan } from "./run-plan.ts";

/** What a run did. Serialises to JSON and prints as a table. */
export interface RunReport<Names extends string = string> {
  readonly pipeline: string;
  readonly lane: string;
  readonly runId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** Whether every stream was read to its end and committed. */
  readonly complete: boolean;
  /** What went wrong, with the run or with a stream; empty when `complete`. */
  readonly problems: readonly RunProblem[];
  /** What was committed, in order. */
  readonly loads: readonly {
    readonly loadId: string;
    readonly sequence: number;
    readonly committedAt: Date;
  }[];
  /** Of a dry run: what the run would do. */
  readonly plan: RunPlan | undefined;
  /** By resource name. */
  readonly tables: { readonly [Name in Names]: TableReport };
}

/** Why a stream, or the whole run, is not complete. */
export interface RunProblem {
  /** The stream that is not complete; `undefined`: the run ended before its streams did. */
  readonly stream: string | undefined;
  /** An `ErrorCode`, or `aborted`. */
  readonly code: string;
  readonly message: string;
}

/** What a run did to one table. Counts cover what was committed. */
export interface TableReport<Row extends object = object> {
  /** Name at the destination. */
  readonly table: string;
  /** Rows that were loaded. */
  readonly rows: number;
  /** Rows that were refused and are in the table's quarantine. */
  readonly quarantined: number;
  /** What the contract left out: whole rows, and values of rows that were loaded. */
  readonly discarded: { readonly rows: number; readonly values: number };
  /** What a merge did to the rows that were there, of all loads together; `undefined` where nothing merges or the destination does not know. */
  readonly changed: RowCounts | undefined;
  /** Bytes of the files that were written. */
  readonly bytes: number;
  /** Files that were written. */
  readonly files: number;
  /** Version of the table after the run, where the format counts them. */
  readonly version: number | undefined;
  /** `append`, `replace`, `replace where` … */
  readonly disposition: string;
  /** What `refresh` forgot of the table; `undefined`: nothing, or not yet. */
  readonly refreshed: Refresh | undefined;
  /** How the checks of the table came out. */
  readonly checks: readonly CheckResult[];
  /** How the columns changed. */
  readonly schemaChanges: readonly SchemaChange[];
  /** The source's snapshot that the rows come from, where it has one. */
  readonly snapshot: string | undefined;
  /** Whether its stream was read to its end and committed. */
  readonly complete: boolean;
  /** The rows that a run with `limit` took, in user form and with the source's names. */
  readonly sample?: readonly Row[];
}
