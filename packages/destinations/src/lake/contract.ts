import type {
  Capabilities,
  MergeStrategy,
  ObjectStore,
  Partition,
  RowCounts,
  RunEvent,
  Schema,
} from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";

/**
 * What the lake protocol asks of a table format (Delta, a folder of Parquet files). The protocol owns manifests, leases, recovery and
 * data files; a format says how a table is read, where files stand, and how one load becomes visible in one table.
 */
export interface LakeFormat {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** The table in `directory` (relative to the store's root, no trailing slash), or `undefined`. Refuses unknown features by name (`ALV_TABLE_FEATURE`). */
  inspect(directory: string, context: FormatContext): Promise<LakeTable | undefined>;
  /** The rows of the table, with `columns` in that order (absent: all). `ALV_TABLE_NOT_FOUND` where there is none. */
  scan(directory: string, context: ScanContext): AsyncIterable<Batch>;
  /**
   * Throws where a table with these columns can never be (names that the format has no place for), so that it is known before anything
   * is committed. Does no I/O.
   */
  check?(table: string, schema: Schema, partitionBy: readonly Partition[]): void;
  /**
   * What `apply` would do to the table's definition, as statements in the language of the format; rows are left out. Absent: the format has no
   * definitions.
   */
  preview?(change: TableChange, context: ApplyContext): Promise<readonly string[]>;
  /** Runs a query on the tables, as `DestinationSession.query` does. Absent: the format has no SQL. */
  query?(text: string, context: QueryContext): Promise<QueryFound>;
  /** Where a new data file is written, and where it ends up once applied (both relative to the table's directory). Unique `id`s make unique names. */
  place(id: string, partition: PartitionValues): FilePlace;
  /**
   * Formats without a log only: what a load takes away, fixed before its commit point, so that an apply that wakes late takes away
   * nothing newer. `obsolete`: files (relative to the table's directory) that apply deletes once the new ones are visible.
   * `files`: what it wrote to keep the rows of straddling files that stay; they join the load's files. Not yet durable.
   */
  prepare?(change: TableChange, context: ApplyContext): Promise<Prepared>;
  /**
   * Makes one table's part of a committed manifest visible, durably when it returns. Called again after a crash, also by another process: finds what is
   * already there and does the rest. Nothing it does may depend on the clock or on chance except the commit's own time. A table whose rows
   * follow those of another is applied after it, and before the pipeline's next load is: so the other table is as this load left it, but for
   * what other writers did.
   * What can never succeed throws a code in `poison` and the table is parked.
   */
  apply(change: TableChange, context: ApplyContext): Promise<Applied>;
}

/** What {@link LakeFormat.prepare} found. */
export interface Prepared {
  readonly obsolete: readonly string[];
  readonly files: readonly DataFile[];
}

/** What formats work with. */
export interface FormatContext {
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
}

/** What a query works with. */
export interface QueryContext extends FormatContext {
  /** The table that `{table}` stands for. */
  readonly table: string;
  /** How many of the rows that it finds are given. */
  readonly first: number;
}

/** How many rows a query finds, and the first of them as JSON texts. */
export interface QueryFound {
  readonly rows: number;
  readonly first: readonly string[];
}

/** What a scan works with. */
export interface ScanContext extends FormatContext {
  readonly columns: readonly string[] | undefined;
}

/** What apply works with. */
export interface ApplyContext extends FormatContext {
  readonly load: LoadIdentity;
  /** Bytes that apply may hold when it rewrites files. */
  readonly budget: number;
}

/** Who commits: goes into `txn` and `commitInfo`. */
export interface LoadIdentity {
  readonly pipeline: string;
  readonly lane: string;
  readonly incarnation: string;
  readonly sequence: number;
  readonly loadId: string;
  readonly runId: string;
}

/** A table as a format finds it. */
export interface LakeTable {
  readonly id: string;
  readonly schema: Schema;
  readonly partitionBy: readonly Partition[];
  readonly version?: number;
  /** Pipelines that the table knows, by `pipeline/lane/incarnation/…` of its transactions or by its properties. */
  readonly pipelines: readonly KnownPipeline[];
}

/** A pipeline found in a table. */
export interface KnownPipeline {
  readonly pipeline: string;
  readonly lane?: string;
  readonly incarnation?: string;
  /** Newest load applied. */
  readonly sequence?: number;
}

/** Partition values by column, as text in the format of Delta's partition value serialisation; `null`: null. */
export type PartitionValues = Readonly<Record<string, string | null>>;

/** Where a data file stands before and after it is applied. The same where files are hidden by not being in a log. */
export interface FilePlace {
  readonly staged: string;
  readonly final: string;
}

/** A data file that is written and belongs to a load. Paths are relative to the table's directory. */
export interface DataFile extends FilePlace {
  readonly size: number;
  readonly rows: number;
  readonly partition: PartitionValues;
  readonly columns: readonly ColumnStatistics[];
  /**
   * Merges only: the file holds changes in the form of `change-file.ts`. Apply reads it, and it never becomes part of the table. Files
   * without it hold whole rows in the order of writing, and may become part of the table as they are; they come before all changes.
   */
  readonly changes?: {
    /** Number of the stretch between two sealed marks in which they were written: ordinals count within it. Ascends. */
    readonly stretch: number;
  };
}

/**
 * Exact statistics of one leaf column of a file. Values are text: integers in decimal; decimals with their scale; floats in shortest form;
 * dates `YYYY-MM-DD` (years beyond four digits signed, as ISO 8601 expands them); timestamps `…THH:MM:SS.ffffff`, instants with `Z`;
 * strings cut at a code point to 32 characters, an upper bound that was cut is rounded up or left out. NaN is never a bound, and a
 * float column that holds a NaN has no bounds. No bounds for boolean, binary, and what holds only nulls.
 */
export interface ColumnStatistics {
  /** Name of the column, then of its struct members. Leaves of lists and maps are left out. */
  readonly path: readonly string[];
  readonly nulls: number;
  readonly min?: string;
  readonly max?: string;
}

/** One table's part of a manifest: fixed before the commit point, so that apply is a pure consequence. */
export interface TableChange {
  readonly table: string;
  /** Directory of the table, relative to the store's root. */
  readonly directory: string;
  /** Id that the table has, or gets when it is created. */
  readonly tableId: string;
  /** Whether this load creates the table. */
  readonly create: boolean;
  readonly operation: TableOperation;
  /** The schema after this load. */
  readonly schema: Schema;
  /** Whether the schema differs from the one that was committed before. */
  readonly schemaChanged: boolean;
  /** The table has the columns of `schema` only: what it had before goes, with all rows. */
  readonly newColumns?: true;
  readonly partitionBy: readonly Partition[];
  /** What it adds; of a merge what it folds in, in the order of writing. */
  readonly files: readonly DataFile[];
  /** Files to delete once the new ones are visible, from {@link LakeFormat.prepare}; empty for formats with a log. */
  readonly obsolete: readonly string[];
  /** Other pipelines write here too (`shared`), or the table was just taken over (`adopt`). */
  readonly ownership: "own" | "shared" | "adopt";
}

/** What a load does to a table. Values in conditions are text as in {@link ColumnStatistics}. */
export type TableOperation =
  | { readonly kind: "append" }
  | { readonly kind: "replace" }
  | { readonly kind: "replaceWhere"; readonly where: readonly TextCondition[] }
  | MergeOperation;

/** A merge with everything that apply uses, so that two that apply it come to the same rows. Columns are the table's. */
export interface MergeOperation {
  readonly kind: "merge";
  readonly strategy: MergeStrategy;
  readonly primaryKey: readonly string[];
  /** `deleteInsert`: the columns whose values say which stored rows go. */
  readonly mergeKey?: readonly string[];
  readonly orderBy?: string;
  readonly deleteFlag?: string;
  /** `scd2`: how versions are kept. */
  readonly validity?: MergeValidity;
  /** Everything that the table held before goes: the stream is read again from its start. */
  readonly restart?: true;
  /** Rows stay as long as those of the table that they belong to. That one is applied first. */
  readonly follows?: FollowedTable;
}

/** The table whose rows those of another follow, as `TablePlan.follows` says. */
export interface FollowedTable {
  readonly table: string;
  /** Its directory, relative to the store's root. */
  readonly directory: string;
  /** Its column that rows name. */
  readonly rowId: string;
  /** The column that names them. */
  readonly rootId: string;
}

/** How a load keeps versions. */
export interface MergeValidity {
  readonly from: string;
  readonly to: string;
  readonly active: string;
  /** When its versions begin: microseconds since 1970, as text. */
  readonly at: string;
  /** The column that says when a version begins, where it holds a time. */
  readonly column?: string;
  /** Keys that the load does not hold are ended. */
  readonly retireAbsent: boolean;
}

/** A comparison whose value has a form that JSON keeps. */
export interface TextCondition {
  readonly column: string;
  readonly op: "=" | "<" | "<=" | ">" | ">=" | "in";
  readonly value: string | readonly string[] | null;
}

/** What apply did, or found done. */
export interface Applied {
  readonly version?: number;
  /** Whether an earlier call had done it. */
  readonly already: boolean;
  /** What a merge did to the table's rows, where that is known. */
  readonly changed?: RowCounts;
  /** `scd2`: the greatest time in validity columns that this load wrote, in microseconds since 1970, where that is known. */
  readonly boundary?: string;
}

/** How {@link OpenTableWriter} writes one table's data files. */
export interface TableWriterOptions {
  readonly store: ObjectStore;
  /** Directory of the table, relative to the store's root. */
  readonly directory: string;
  readonly table: string;
  readonly place: LakeFormat["place"];
  readonly partitionBy: readonly Partition[];
  /** Columns at the start; the schemas of later batches may have more. */
  readonly schema: Schema;
  /** Bytes that the writer may hold. */
  readonly budget: number;
  /** Goes into each file's footer. */
  readonly keyValueMetadata?: Readonly<Record<string, string>>;
  /** Draws the id of a new file. */
  readonly newId: () => string;
  readonly emit: (event: RunEvent) => void;
}

/** Writes the data files of one table. Calls do not overlap. */
export interface TableWriter extends AsyncDisposable {
  /** Bytes held and not yet written. */
  readonly bufferedBytes: number;
  /** Takes rows; resolves when there is room for more. A batch with another schema goes to a new file. */
  write(batch: Batch, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Closes the open files and returns all files since the last `seal`. Not yet durable. */
  seal(): Promise<readonly DataFile[]>;
  /** Drops and deletes everything since the last `seal`. */
  discard(): Promise<void>;
}

/** Opens a {@link TableWriter}. Does no I/O before the first row. */
export type OpenTableWriter = (options: TableWriterOptions) => TableWriter;

/** Reads files that are not yet committed and writes their rows again with the (wider) `schema` of the options. Deletes nothing. */
export type RewriteFiles = (
  files: readonly DataFile[],
  options: TableWriterOptions,
  call?: { readonly signal?: AbortSignal },
) => Promise<readonly DataFile[]>;

/** Error codes of {@link LakeFormat.apply} after which a table is parked instead of failing the run. */
export const poison = [
  "ALV_TABLE_NOT_FOUND",
  "ALV_TABLE_REPLACED",
  "ALV_TABLE_FEATURE",
  "ALV_TABLE_FOREIGN",
  "ALV_NOT_FOUND",
  "ALV_FILE_INVALID",
  "ALV_SCHEMA_CONFLICT",
  // What only a merge finds out: a change that lacks the row below it, a column that cannot be ordered by.
  "ALV_ROW_INVALID",
  "ALV_UNSUPPORTED",
  "ALV_CONFIG",
] as const;
