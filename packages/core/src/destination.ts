import type { Batch } from "./columns/batch.ts";
import type { Disposition, MergeOptions } from "./disposition.ts";
import type { RunEvent } from "./run/events.ts";
import type { Runner } from "./run/runner.ts";
import type { SchemaChange } from "./schema/schema-change.ts";
import type { ColumnType, Schema } from "./schema/types.ts";
import type { Json } from "./state/json.ts";
import type { PipelineId, PipelineState } from "./state/state.ts";
import type { Ability, Partition } from "./stream.ts";

/**
 * Where rows go. Building one does no I/O; `open` does. `Can` says which dispositions it can do; it is contravariant, so that a
 * choice between two destinations can only what both can.
 */
export interface Destination<Can extends Ability = never> {
  /** Version of this contract. */
  readonly specVersion: 1;
  /** For messages: `delta`. */
  readonly name: string;
  /** What carries out runs into it: `runner` of `@alluvium/core/run`. It comes with the destination, so that a pipeline alone loads little. */
  readonly runner: Runner;
  /** What it can do, for the planner. */
  readonly capabilities: Capabilities;
  /** Phantom: carries `Can`, never set. */
  readonly $can?: (ability: Can) => void;
  /** Opens it for one run. Here options are checked and I/O begins. */
  open(context: OpenContext): Promise<DestinationSession>;
}

/** Facts about a destination, read by the planner. */
export interface Capabilities {
  /** The dispositions and merge strategies that it can do. */
  readonly abilities: readonly Ability[];
  /** What a load gives: each row exactly once; at least once but repeats change nothing; at least once. */
  readonly delivery: "exactlyOnce" | "idempotent" | "atLeastOnce";
  /** `table`: readers see a table's load whole or not at all. `file`: they may see some of its files earlier. */
  readonly visibility: "load" | "table" | "file";
  /** Whether column names that differ only in case are the same column. */
  readonly foldsCase: boolean;
  /** @default no limit */
  readonly maxIdentifierLength?: number;
  /** Whether files can be partitioned by columns. */
  readonly partitions: boolean;
  /**
   * Whether `write` is done with a batch when its promise resolves, so that a source may put its next rows in the same arrays.
   * Dictionaries are never used again. @default false
   */
  readonly releasesBatches?: boolean;
  /** Whether rows of one table can follow those of another (`TablePlan.follows`): what merges into child tables needs. @default false */
  readonly follows?: boolean;
  /**
   * The type that a column of `type` has here. What cannot be held exactly becomes `string`. Applied to members and elements too.
   * The run converts batches before it writes them, so a session only ever sees types that this returns.
   */
  readonly storedType: (type: ColumnType) => ColumnType;
  /**
   * Whether a committed column of stored type `from` can be given the wider `to` in place, keeping every value. Where it cannot, values
   * that do not fit go into a variant column (`total__v_float64`). Asked for columns as a whole: of a struct, list or map whose members
   * widen it gets the whole types. @default never
   */
  readonly widens?: (from: ColumnType, to: ColumnType) => boolean;
}

/** What a destination is given when it is opened. */
export interface OpenContext {
  /** Name and lane of the pipeline whose state is used. */
  readonly pipeline: PipelineId;
  /** Id of this run: what takes the lease is named by it. */
  readonly runId: string;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** Bytes that the session may hold not yet written. */
  readonly budget: number;
  /** Take over tables that another pipeline wrote, by name; `true`: all. */
  readonly adopt: boolean | readonly string[];
  /** Write beside other pipelines into these tables; `true`: all. */
  readonly shared: boolean | readonly string[];
  /** Milliseconds that a live lease of another run is waited out. @default 20 000 */
  readonly leaseWait?: number | undefined;
  /** Takes events for whoever listens to the run. */
  readonly emit: (event: RunEvent) => void;
}

/** An opened destination: recover once, then load after load. Not for use by two calls at once, but `write`s of one load may overlap. */
export interface DestinationSession extends AsyncDisposable {
  /**
   * Takes the pipeline (a live run of another process is waited out, then `ALV_CONCURRENT_RUN`), finishes what a crash left, and
   * reads the state. `undefined`: this pipeline has never committed here. Throws `ALV_STATE_LOST` when tables say otherwise.
   * `readOnly`: takes nothing, finishes nothing and waits for nobody; gives the newest committed state. Only `describe`, `preview` and
   * `history` may follow.
   */
  recover(options?: {
    readonly signal?: AbortSignal;
    readonly readOnly?: boolean;
  }): Promise<PipelineState | undefined>;
  /** A table as it stands; `undefined` when there is none. */
  describe(table: string): Promise<TableInfo | undefined>;
  /** What a load with this plan would do to the tables' definitions, as statements in the destination's language (DDL). Writes nothing. */
  preview?(plan: LoadPlan): Promise<readonly TablePreview[]>;
  /**
   * The committed rows of a table in batches, with `columns` in that order (all of them, in the table's order, where absent); in no order of
   * rows. `ALV_TABLE_NOT_FOUND` where there is none, `ALV_SOURCE_NOT_FOUND` where it lacks a column. May be called between loads and while one is written, but not while one is committed.
   */
  scan?(table: string, options?: TableScanOptions): AsyncIterable<Batch>;
  /**
   * Runs a query of the user's and gives how many rows it finds, and the first of them as JSON texts. `{table}` in its text stands for `table`,
   * quoted and with its schema. Changes nothing. Only for destinations that have SQL, between loads.
   */
  query?(
    text: string,
    options: { readonly table: string; readonly first: number; readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly rows: number; readonly first: readonly string[] }>;
  /** Starts a load. Files left open by the load before carry over into it. */
  begin(plan: LoadPlan): Promise<Load>;
  /** Loads of this pipeline, newest first. */
  history?(options?: { readonly limit?: number | undefined }): AsyncIterable<LoadRecord>;
  /** Tables that are set aside, and what settles them. */
  parked?(): Promise<readonly ParkedTable[]>;
  /** Settles a parked table: `retry` its load, `skip` it (its rows of that load are given up), or `resync` (forget its cursor, read all again). */
  settle?(table: string, how: "retry" | "skip" | "resync"): Promise<void>;
}

/** What is known of a table before a load. */
export interface TableInfo {
  /** Stays the same as long as it is the same table. */
  readonly id: string;
  /** Its columns. */
  readonly schema: Schema;
  readonly partitionBy: readonly Partition[];
  /** Version or number of commits, where the format counts them. */
  readonly version?: number;
}

/** What {@link DestinationSession.scan} reads. */
export interface TableScanOptions {
  /** Columns, in the order wanted. @default all, in the table's order */
  readonly columns?: readonly string[] | undefined;
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link DestinationSession.preview} says of one table. */
export interface TablePreview {
  readonly table: string;
  /** The statements in order; empty where nothing changes. */
  readonly statements: readonly string[];
}

/** A load about to begin. */
export interface LoadPlan {
  readonly loadId: string;
  readonly startedAt: Date;
  readonly tables: readonly TablePlan[];
}

/** A table of a load. Names are the destination's. */
export interface TablePlan {
  readonly table: string;
  /** The stream that owns the table. */
  readonly stream: string;
  readonly disposition: Disposition;
  readonly merge?: MergeOptions | undefined;
  readonly primaryKey: readonly string[];
  readonly partitionBy: readonly Partition[];
  /** Columns known at the start, in stored types. A table that gets no rows is still created if it has columns. */
  readonly schema: Schema;
  /**
   * The table's rows belong to rows of another table of the same stream (its root), and stay as long as those do: once the load's rows have taken
   * effect in both tables, rows whose `rootId` is in no row's `rowId` there go. That is so in every commit in which the root's rows take
   * effect, whether rows came for this table or not. Only for destinations whose `capabilities.follows` says so.
   */
  readonly follows?: Follows | undefined;
  /** Whether nothing depends on the rows that are there: a table that is gone is made anew, and no error. @default false */
  readonly isLog?: boolean | undefined;
  /**
   * The first commit that has the table's stream sealed (or ended, where rows take effect at the end) also takes away everything the table held,
   * whether rows come for it or not: `data` its rows, `tables` its columns as well, so that it has those of the load only. Later loads of the
   * session go on as usual, whatever their plans say.
   */
  readonly restart?: "data" | "tables" | undefined;
}

/** How rows of a child table belong to rows of its root. */
export interface Follows {
  /** The root's name at the destination. */
  readonly table: string;
  /** Its column that rows of the child table name. */
  readonly rowId: string;
  /** The child table's column that names them. */
  readonly rootId: string;
}

/**
 * One atomic commit in the making. Disposed without commit: nothing of it was ever there. Calls for one stream come one after another;
 * writes, marks and rollbacks of different streams may overlap; `commit` overlaps with nothing. It takes each table's newest schema, and
 * creates a table with the first commit that has its stream sealed (or ended, where it takes effect at the end).
 */
export interface Load extends AsyncDisposable {
  readonly loadId: string;
  /**
   * Adds a table that turned up while the load is under way, as if it had been in its plan: child tables and quarantines are known only when
   * their first rows come. May overlap with what other streams do.
   */
  add(table: TablePlan): Promise<void>;
  /**
   * Takes rows; resolves when there is room for more (backpressure). The schema may have grown since the last batch of the table:
   * new columns anywhere, `null` → any, and a widened type: any while the table is not committed, later what `capabilities.widens` allows.
   * All types are stored types. In a table that merges, batches may hold `changes`; those of a table without merges never do.
   */
  write(table: string, batch: Batch, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * A savepoint: what `stream` wrote so far belongs to its checkpoint. With `seal`, the stream's open files are closed: `commit`
   * takes, and `rollback` returns to, the last **sealed** mark. `end`, with `seal`: the stream is complete, so whole-set operations of
   * its tables (`replace`) take effect with the next commit; before, their files carry over. Without `seal` it says nothing more.
   */
  mark(stream: string, options: { readonly seal: boolean; readonly end: boolean }): Promise<void>;
  /**
   * Drops what `stream` wrote after its last sealed mark, or since the last commit if there is none. `generation`: everything of it
   * that is not committed, sealed marks too: a replace starts again, or a seal failed and nobody knows whether it holds.
   */
  rollback(stream: string, options?: { readonly generation?: boolean }): Promise<void>;
  /** Closes the load without committing, as data that another process can commit. */
  stage?(): Promise<StagedLoad>;
  /**
   * Commits what is sealed, with the state that follows. Either all of it holds or nothing. Throws `ALV_CONCURRENT_RUN` when
   * another run won. After it returns, every table has the load (or is parked), and the source may be told.
   * `schemaChanges`: what is different from the load before, by table. They are kept with the load, and receipts and history give them back.
   */
  commit(next: PipelineState, options?: CommitOptions): Promise<LoadReceipt>;
}

/** What {@link Load.commit} may be given. */
export interface CommitOptions {
  readonly signal?: AbortSignal;
  /** What is different from the load before, by table; tables without a difference may be absent. @default none */
  readonly schemaChanges?: ReadonlyMap<string, readonly SchemaChange[]>;
}

/** A load that is written but not committed, as JSON. */
export interface StagedLoad {
  readonly loadId: string;
  readonly content: Json;
}

/** What a commit did. */
export interface LoadReceipt {
  readonly loadId: string;
  /** Number of the load in its pipeline and lane, from 0. */
  readonly sequence: number;
  readonly committedAt: Date;
  readonly tables: readonly TableReceipt[];
}

/** What a commit did to one table. */
export interface TableReceipt {
  readonly table: string;
  /** Rows that the load wrote. */
  readonly rows: number;
  /** Bytes of the files that it wrote. */
  readonly bytes: number;
  /** How many files it wrote. */
  readonly files: number;
  /** Version of the table that holds the load. */
  readonly version?: number;
  /** What was done: `append`, `replace` … */
  readonly operation: string;
  /** What a merge did to the table's rows, where the destination knows. */
  readonly changed?: RowCounts;
  /** How its columns, or what happens to its rows, differ from the load before; absent: not at all. */
  readonly schemaChanges?: readonly SchemaChange[];
  /** Why it could not be applied; the table is then parked. */
  readonly parked?: string;
}

/** Rows by what a load did to them, after the changes of each key were folded. */
export interface RowCounts {
  /** Rows that were not there before. In `scd2`: versions that were begun. */
  readonly inserted: number;
  /** Rows that took the place of others. In `scd2`: versions that were ended by newer ones. */
  readonly updated: number;
  /** Rows that went. In `scd2`: versions that were ended by a delete. */
  readonly deleted: number;
}

/** A row of `_alv_loads`. */
export interface LoadRecord {
  readonly loadId: string;
  readonly pipeline: string;
  readonly lane: string;
  readonly sequence: number;
  readonly runId: string;
  readonly startedAt: Date;
  readonly committedAt: Date;
  readonly tables: readonly TableReceipt[];
}

/** A table that could not be written. */
export interface ParkedTable {
  readonly table: string;
  readonly stream: string;
  readonly loadId: string;
  /** Why it could not be written. */
  readonly reason: string;
  /** Whether `retry` can still find the load's files. */
  readonly retryable: boolean;
}
