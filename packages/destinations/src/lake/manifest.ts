import type {
  Partition,
  RowCounts,
  SchemaChange,
  StreamState,
  TableReceipt,
  TableState,
} from "@alluvium/core";
import type { DataFile, TableChange, TableOperation } from "./contract.ts";

/**
 * The commit point of a load: an object that is created only if absent. It holds everything that follows from the commit, so that
 * applying it is a pure consequence that any process can carry out, any number of times.
 */
export interface Manifest {
  readonly pipeline: string;
  readonly lane: string;
  readonly incarnation: string;
  readonly sequence: number;
  readonly loadId: string;
  readonly runId: string;
  /** Random id of the session that wrote it. */
  readonly writer: string;
  /** Load id of the manifest before; `null` for the first. */
  readonly predecessor: string | null;
  /** ISO. */
  readonly startedAt: string;
  /** ISO, by the store's clock, fixed before the commit point. */
  readonly committedAt: string;
  /** All current cursors, with the identity that they belong to. */
  readonly streams: Readonly<Record<string, StreamState>>;
  /** All tables of the state. */
  readonly tables: Readonly<Record<string, StoredTableState>>;
  /** All tables that this pipeline has written here. */
  readonly known: Readonly<Record<string, KnownTable>>;
  /** What this load does, by table. */
  readonly changes: readonly StoredChange[];
  /** All tables that are set aside. */
  readonly parked: readonly ParkedEntry[];
  /** What was settled before this manifest, for a load that settles a parked table. */
  readonly settled: readonly Settled[];
  /** Name of the file that adds this load to `_alv_loads`. */
  readonly loadsFile: string;
}

/** A table's state with its schema by content hash. */
export type StoredTableState = Omit<TableState, "schema" | "parked"> & { readonly schema: string };

/** What the lake remembers of a table. */
export interface KnownTable {
  readonly id: string;
  readonly stream: string;
  /** Hash of the schema as committed. */
  readonly schema: string;
  /** Its next load replaces all that it holds: the stream is read again from its start. */
  readonly resync?: true;
  /** `scd2`: the last microsecond since 1970, as text, at which something may have happened to a version. Later loads begin theirs after it. */
  readonly boundary?: string;
}

/** One table's part: a {@link TableChange} with the schema by hash and a long list of files by reference. */
export interface StoredChange {
  readonly table: string;
  readonly stream: string;
  readonly directory: string;
  readonly tableId: string;
  readonly create: boolean;
  readonly operation: TableOperation;
  readonly schema: string;
  readonly schemaChanged: boolean;
  readonly newColumns?: true;
  readonly partitionBy: readonly Partition[];
  readonly ownership: TableChange["ownership"];
  readonly rows: number;
  readonly bytes: number;
  readonly fileCount: number;
  /** When its oldest file was begun (ISO, by the store's clock). */
  readonly written: string;
  /** How it differs from the load before; absent: not at all. */
  readonly schemaChanges?: readonly SchemaChange[];
  /** The files, or the path of the object that lists them. */
  readonly files: FileList | string;
}

/** Files that a change adds and, in formats without a log, takes away. */
export interface FileList {
  readonly files: readonly DataFile[];
  readonly obsolete: readonly string[];
}

/** A table that is set aside since a load, which stays to be applied. */
export interface ParkedEntry {
  readonly table: string;
  readonly stream: string;
  readonly sequence: number;
  readonly loadId: string;
  readonly reason: string;
}

/** A parked table that was settled. */
export interface Settled {
  readonly table: string;
  readonly loadId: string;
  readonly how: "retry" | "skip" | "resync";
  /** What `retry` did. */
  readonly receipt?: TableReceipt;
}

/** The marker that ends the roll-forward of a load. */
export interface AppliedMarker {
  readonly loadId: string;
  /** Version of each table that holds the load; `null` where the format counts none. */
  readonly versions: Readonly<Record<string, number | null>>;
  /** Tables that could not be applied, and why. */
  readonly parked: Readonly<Record<string, string>>;
  /** What merges did to the rows of tables, where that is known. */
  readonly changed?: Readonly<Record<string, RowCounts>>;
  /** `scd2`: the greatest times in validity columns that the load wrote, in microseconds since 1970, where that is known. */
  readonly boundaries?: Readonly<Record<string, string>>;
}
