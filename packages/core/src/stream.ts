import type { Batch } from "./columns/batch.ts";
import type { Contract, ContractPolicy } from "./contract.ts";
import type { Disposition, MergeOptions } from "./disposition.ts";
import type { NestingChoice } from "./nesting-option.ts";
import type { QuarantineLimits } from "./quarantine-limits.ts";
import type { RefusedRow } from "./refused-row.ts";
import type { Check } from "./quality/check.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import type { RunEvent } from "./run/events.ts";
import type { Schema } from "./schema/types.ts";
import type { Json } from "./state/json.ts";

/**
 * Where rows come from. Building one does no I/O; `open` does. `Tables` carries name, row type and disposition of each
 * resource to the pipeline's types.
 */
export interface Source<Tables extends SourceTables = SourceTables> {
  /** Version of this contract. */
  readonly specVersion: 1;
  /** For messages: `postgres`. */
  readonly name: string;
  /** Phantom: carries the types of the resources, never set. */
  readonly $tables?: Tables;
  /** Opens it for one run. Here options are checked and I/O begins. */
  open(context: SourceContext): Promise<SourceSession>;
}

/** The type-level side of a source: what each resource yields and how it is written. */
export type SourceTables = {
  readonly [resource: string]: { readonly row: object; readonly ability: Ability };
};

/**
 * What a stream may need a destination to be able to do: `append`, `replace`, or a merge strategy.
 * The disposition `merge` alone is `upsert`.
 */
export type Ability = "append" | "replace" | "upsert" | "insertOnly" | "deleteInsert" | "scd2";

/** What a source is given when it is opened. */
export interface SourceContext {
  /** Ends all reading and waiting. */
  readonly signal: AbortSignal;
  /** Resources to read; absent: all. */
  readonly only?: readonly string[] | undefined;
  /** Bytes that the source may hold read but not yet handed on. */
  readonly budget: number;
  /** How many streams the run reads at once. */
  readonly concurrency: number;
  /** Takes events for whoever listens to the run. */
  readonly emit: (event: RunEvent) => void;
  /** Whether nothing is committed (a dry run, a sample): what a source takes for good it must not take then. @default false */
  readonly isTrial?: boolean;
  /** What the run says of new tables, columns and types, before what resources say. @default nothing */
  readonly contract?: ContractPolicy | Partial<Contract> | undefined;
  /**
   * What resources that are made of the source's tables say, by table: it comes after the run's, and before the table's own.
   * @default the tables are read as they are
   */
  readonly contracts?:
    | ReadonlyMap<string, readonly (ContractPolicy | Partial<Contract> | undefined)[]>
    | undefined;
  /** Opens the resources of a source made by `source()`. It comes from the runner, so that declaring resources loads no code that reads them. */
  readonly openResources: OpenResources;
}

/** How the resources of a source are opened: its name, what its resources are, and what the source itself was given. */
export type OpenResources = (
  name: string,
  definitions: readonly ResourceDefinition[],
  context: SourceContext,
) => Promise<SourceSession>;

/** An opened source. Disposing it closes what it opened, also midway. */
export interface SourceSession extends AsyncDisposable {
  /** What there is to read, each stream with its tables. */
  readonly streams: readonly Stream[];
  /** The work as units that other processes can do. Later. */
  plan?(): Promise<readonly Unit[]>;
}

/** A serialisable piece of a source's work. */
export interface Unit {
  /** Name of the stream. */
  readonly stream: string;
  /** What is to be done, for the source that made it. */
  readonly work: Json;
}

/**
 * What owns one cursor. Most streams feed one table; a replication slot feeds many. Each table belongs to one stream.
 */
export interface Stream<Cursor = unknown> {
  /** Unique within the source; the key of its state. */
  readonly name: string;
  /** The tables that it feeds. */
  readonly tables: readonly TableDescription[];
  /** How its cursor is stored. */
  readonly cursor: CursorCodec<Cursor>;
  /**
   * What the stored cursor is bound to: source, selection, cursor column. Another value at the next run is `ALV_STATE_MISMATCH`.
   * No secrets. `undefined`: not bound.
   */
  readonly identity?: Json | undefined;
  /**
   * A cursor without what it holds for the stream's tables, for a refresh of them: needed where it holds something for tables that are not read
   * this time. `undefined`: nothing is left. @default nothing is ever left
   */
  forget?(cursor: Cursor): Cursor | undefined;
  /**
   * Reads from `context.since` to the end, in batches. A `checkpoint` says: everything before it has been yielded, and reading
   * from it yields everything after. Streams with a cursor yield one last checkpoint before they end; others none at all.
   * After a failure `read` is called again from the last sealed checkpoint. Must stop soon after `context.signal` aborts.
   */
  read(context: StreamContext<Cursor>): AsyncIterable<StreamItem<Cursor>>;
  /**
   * Takes rows of `table` that were refused when they were read (`RefusedRow` with `stage: "read"`) once more, through all that comes before writing:
   * schema, types and transforms. Resolves with what is to be written, and with those that are refused again. @default it refuses no rows when it reads
   */
  retake?(table: string, rows: readonly unknown[], context: RetakeContext): Promise<RetakenRows>;
  /** Told after the load that holds `cursor` is committed and applied. May be repeated; a failure is an event, no more. */
  acknowledge?(cursor: Cursor, context: { readonly signal: AbortSignal }): Promise<void>;
}

/** What a stream is told of rows that it takes once more. */
export interface RetakeContext {
  readonly signal: AbortSignal;
  /** Of each row why it was refused, where it stood, and what it was before anyone mended it (`row`). */
  readonly refusals: readonly RetakenRefusal[];
}

/** Why a row was refused that is taken once more. */
export interface RetakenRefusal extends Pick<RefusedRow, "rule" | "message" | "position"> {
  readonly row: unknown;
}

/** What becomes of rows that a stream takes once more. */
export interface RetakenRows {
  /** Rows to be written, each with the place, among those given, of the row that it is made of. */
  readonly batches: readonly { readonly batch: Batch; readonly places: Int32Array }[];
  readonly refused: readonly RefusedAgain[];
}

/** A row that is refused once more, by its place among those given. */
export interface RefusedAgain {
  readonly place: number;
  readonly row: RefusedRow;
}

/** What a stream yields: rows for a table, rows of it that cannot be loaded, or a point from which reading can go on. */
export type StreamItem<Cursor = unknown> =
  | {
      readonly table: string;
      readonly batch: Batch;
      /**
       * Called when the batch has been written and nobody reads its arrays any more: the source may use them again. Not called where
       * that is not known (a destination that keeps batches, a transform, a failure); the arrays are then left to the collector.
       */
      readonly release?: () => void;
      /** The rows for which the functions of the table's checks do not hold, by the check's name: whoever reads them has them as functions take them. */
      readonly failed?: ReadonlyMap<string, readonly number[]>;
      /** Where a row of the batch stood at the source (`{ file, line }`), for rows that are refused on the way to the table. @default not known */
      readonly locate?: ((row: number) => { readonly [name: string]: Json }) | undefined;
    }
  | {
      readonly table: string;
      /** Rows that were refused on the way: the table's contract says what becomes of them. */
      readonly refused: readonly RefusedRow[];
      /** How many values were left out of other rows, as the contract for types has it (`discardValue`). @default 0 */
      readonly values?: number;
    }
  | { readonly checkpoint: Cursor };

/** What a stream is given to read. */
export interface StreamContext<Cursor = unknown> {
  /** Reading must stop soon after it aborts. */
  readonly signal: AbortSignal;
  /** The cursor of the last commit; `undefined` at the first run. In a backfill too, where reading starts at the window instead. */
  readonly since: Cursor | undefined;
  /**
   * A backfill reads this window of the cursor column (`since` inclusive, `until` exclusive) and yields no checkpoint. It reads nothing
   * beyond the stored cursor: what stands there the next ordinary run reads.
   */
  readonly window?: { readonly since?: unknown; readonly until?: unknown } | undefined;
  /** Stop after about so many rows (a sample). */
  readonly limit?: number | undefined;
  /** Bytes that this stream may hold read but not yet handed on. */
  readonly budget: number;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Takes events for whoever listens to the run. */
  readonly emit: (event: RunEvent) => void;
}

/** A table as its source describes it, before naming and mapping. */
export interface TableDescription {
  /** The resource's name. */
  readonly name: string;
  /** Columns as far as known before reading; batches may bring more. */
  readonly schema: Schema;
  /** Whether only rows tell all columns: a dry run then reads some. @default false */
  readonly open?: boolean | undefined;
  /** Columns that tell rows apart; empty: none. */
  readonly primaryKey: readonly string[];
  /** What happens to its rows. */
  readonly disposition: Disposition;
  readonly merge?: MergeOptions | undefined;
  /** The column that the cursor follows. */
  readonly cursorColumn?: string | undefined;
  /** Columns or derived columns by which files are partitioned. */
  readonly partitionBy: readonly Partition[];
  /** How column names are spelled at the destination. @default "snake" */
  readonly naming?: Naming | undefined;
  /** Name of the table at the destination, where it is not the resource's name. */
  readonly table?: string | undefined;
  /** What becomes of lists, maps and objects. @default they stay as they are */
  readonly nesting?: NestingChoice | undefined;
  /** What may change in its table: one policy, or one for each of what may be new (`ContractPolicy`). @default "evolve" */
  readonly contract?: ContractPolicy | Partial<Contract> | undefined;
  /** How much of it may be refused into its quarantine. @default no limit */
  readonly quarantine?: QuarantineLimits | undefined;
  /** What must hold for its rows and for the table. @default nothing */
  readonly checks?: readonly Check[] | undefined;
  /** Columns whose values must not be shown in messages and reports. @default none */
  readonly masked?: readonly string[] | undefined;
  /**
   * Whether its batches may have cells that do not change what is stored (`Changes.unchanged`): transforms by row are refused then, and a column
   * that no row has is not gone. Only for tables that merge by `upsert` or `scd2`. @default false
   */
  readonly partial?: boolean | undefined;
}

/** How names are spelled at the destination: `snake` (`HTTPStatus` → `http_status`), `keep`, or a function. */
export type Naming = "snake" | "keep" | ((name: string) => string);

/** A partition column: a column itself, or one derived from a date or timestamp (`day("createdAt")`). */
export interface Partition {
  /** The column that the value comes from. */
  readonly column: string;
  /** What is derived; absent: the value itself. */
  readonly transform?: "year" | "month" | "day" | "hour";
  /** Name of the derived column. @default `<column>_<transform>` */
  readonly name?: string;
}

/** Turns cursors into JSON and back. A change of the format raises `version`; `decode` reads all older ones. */
export interface CursorCodec<Cursor = unknown> {
  /** Version of the format that `encode` writes. */
  readonly version: number;
  /** A cursor as JSON. */
  encode(cursor: Cursor): Json;
  /** The cursor of JSON that this version or an older one wrote. */
  decode(value: Json, version: number): Cursor;
}
