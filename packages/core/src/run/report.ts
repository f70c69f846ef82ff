import type { SchemaChange } from "./events.ts";

/** What a run did. Serialises to JSON and prints as a table. */
export interface RunReport<Names extends string = string> {
  readonly pipeline: string;
  readonly lane: string;
  readonly runId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** Whether every stream was read to its end and committed. */
  readonly complete: boolean;
  /** What went wrong, per stream; empty when `complete`. */
  readonly problems: readonly RunProblem[];
  readonly loads: readonly {
    readonly loadId: string;
    readonly sequence: number;
    readonly committedAt: Date;
  }[];
  /** By resource name. */
  readonly tables: { readonly [Name in Names]: TableReport };
}

/** Why a stream is not complete. */
export interface RunProblem {
  readonly stream: string | undefined;
  readonly code: string;
  readonly message: string;
}

/** What a run did to one table. Counts cover what was committed. */
export interface TableReport<Row extends object = object> {
  /** Name at the destination. */
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
  /** Version of the table after the run, where the format counts them. */
  readonly version: number | undefined;
  readonly disposition: string;
  readonly schemaChanges: readonly SchemaChange[];
  /** The source's snapshot that the rows come from, where it has one. */
  readonly snapshot: string | undefined;
  readonly complete: boolean;
  /** The rows that a run with `limit` took, in user form and with the source's names. */
  readonly sample?: readonly Row[];
}
