import type { Schema } from "../schema/types.ts";
import type { Json } from "./json.ts";

/** Names one sequence of loads: a pipeline, and a lane of it (separate sequence and state, for parallel backfills and hosts). */
export interface PipelineId {
  readonly pipeline: string;
  /** @default "main" */
  readonly lane: string;
}

/** What a pipeline remembers, stored at the destination with each commit. */
export interface PipelineState {
  /** Random, drawn by the first commit: a state that was deleted and begun again is another one. */
  readonly incarnation: string;
  /** Number of the load that stored it, from 0. */
  readonly sequence: number;
  /** That load's id. */
  readonly loadId: string;
  readonly streams: Readonly<Record<string, StreamState>>;
  readonly tables: Readonly<Record<string, TableState>>;
}

/** What is remembered of one stream. */
export interface StreamState {
  /** The encoded cursor; `null` for a stream without one. */
  readonly cursor: Json;
  readonly cursorVersion: number;
  readonly identity: Json;
  /** The load that stored this cursor, and when (ISO). */
  readonly loadId: string;
  readonly committedAt: string;
}

/** What is remembered of one table. */
export interface TableState {
  readonly stream: string;
  /** The resource that it comes from. */
  readonly resource: string;
  /** Columns as committed. */
  readonly schema: Schema;
  /** The source's name of each column. */
  readonly columns: Readonly<Record<string, string>>;
  readonly primaryKey: readonly string[];
  readonly disposition: string;
  /** Names of the columns by which `scd2` keeps versions. */
  readonly validity?: readonly string[];
  /** Rows of the last load that replaced the whole table: 0 needs no consent to stay 0. */
  readonly rows?: number;
  /**
   * Columns, and members of columns, that are JSON because their values were of several kinds: some destinations store JSON as text, so that the
   * type does not tell. Each is the way there: the column, then members, `[]` for elements of lists and `{}` for values of maps.
   */
  readonly json?: readonly (readonly string[])[];
  /** How nested values are stored, where they do not stay as they are. */
  readonly nesting?: Json;
  /** Of a child table: its root, the table above it, and where the list stands in a row of that (a JSON Pointer). */
  readonly nested?: { readonly root: string; readonly parent: string; readonly path: string };
  /** Of a quarantine: the table whose refused rows it holds. */
  readonly quarantineOf?: string;
  /** Set aside, and since which load. */
  readonly parked?: { readonly loadId: string; readonly reason: string };
}
