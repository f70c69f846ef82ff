import { AlluviumError, type ColumnType, type ObjectStore } from "@alluvium/core";
import { formatScalar, type Scalar } from "@alluvium/core/columns";
import type { DuckDBConnectionLike } from "./attach.ts";
import type { AddFile } from "./log/actions.ts";
import { decodePath } from "./log/paths.ts";
import { readFiles } from "./log/replay.ts";
import type { TableState } from "./log/state.ts";
import { columnsOf, mappingMode, type Column } from "./read/columns.ts";
import { outsidePath } from "./read/data-file.ts";
import { readDeletedRows } from "./read/deletion-vector.ts";
import { parsePartitionValue } from "./read/partition.ts";
import { footerRows } from "./read/snapshot.ts";
import { recordCount } from "./read/pruning.ts";

/** What a view is made of. */
export interface DeltaViewOptions {
  readonly store: ObjectStore;
  readonly directory: string;
  /** Name of the view. */
  readonly name: string;
  readonly state: TableState;
  readonly signal?: AbortSignal;
}

/** Files that are read alike: of one partition, with or without deleted rows, with the same old timestamps. */
interface Group {
  readonly add: AddFile;
  readonly deleted: boolean;
  readonly paths: string[];
}

/** Numbers in one statement that fills the table of deleted rows. */
const CHUNK = 50_000;
/** Column with the path of the file that a row comes from, where it is needed. */
const FILE = "_alv_file";

/** Creates a temporary view of a version of a table, and the table of its deleted rows. */
export async function createDeltaView(
  connection: DuckDBConnectionLike,
  options: DeltaViewOptions,
): Promise<{ readonly files: number; readonly deletedRows: number }> {
  const { store, directory, name, state, signal } = options;
  if (mappingMode(state) !== "none")
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `attachLake: table "${name}" has column mapping, so that its files have other column names. Read it with deltaTable or with DuckDB's delta extension.`,
    );
  const columns = columnsOf(state);
  const groups = new Map<string, Group>();
  let files = 0;
  let deletedRows = 0;
  let deletedTable: string | undefined;
  for await (const { add } of readFiles(store, directory, state.segment, signal)) {
    if (add === undefined) continue;
    files += 1;
    const path = outsidePath(store, directory, decodePath(add.path));
    const cardinality = add.deletionVector?.cardinality ?? 0;
    if (cardinality > 0) {
      if (deletedTable === undefined) {
        deletedTable = `temp.main.${identifier(`_alv_deleted ${name}`)}`;
        await connection.run(
          `create or replace temp table ${identifier(`_alv_deleted ${name}`)} (file varchar, "row" bigint)`,
        );
      }
      await insertDeleted(connection, deletedTable, path, add, options);
      deletedRows += cardinality;
    }
    const key = `${cardinality > 0}${JSON.stringify(columns.map((column) => (column.partition ? add.partitionValues[column.physical] : 0)))}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { add, deleted: cardinality > 0, paths: [path] });
    else group.paths.push(path);
  }
  const old = await oldTimestamps(
    connection,
    columns,
    [...groups.values()].flatMap(({ paths }) => paths),
  );
  const parts = [...groups.values()].flatMap((group) => partsOf(group, columns, old, deletedTable));
  const select = columns.map(
    ({ name: column, type }) => `${identifier(column)}::${duckType(type)} as ${identifier(column)}`,
  );
  await connection.run(
    `create or replace temp view ${identifier(name)} as select ${select.join(", ")} from (${[emptyOf(columns), ...parts].join(" union all by name ")})`,
  );
  return { files, deletedRows };
}

async function insertDeleted(
  connection: DuckDBConnectionLike,
  table: string,
  path: string,
  add: AddFile,
  { store, directory, signal }: DeltaViewOptions,
): Promise<void> {
  const rows = recordCount(add) ?? (await footerRows(store, directory, add, signal));
  const bitmap = (await readDeletedRows(store, directory, add, rows, signal))!;
  let chunk: number[] = [];
  const flush = async (): Promise<void> => {
    if (chunk.length > 0)
      await connection.run(
        `insert into ${table} select ${text(path)}, unnest([${chunk.join(",")}]::bigint[])`,
      );
    chunk = [];
  };
  for (let row = 0; row < rows; row++) {
    if (((bitmap[row >> 3]! >> (row & 7)) & 1) === 0) continue;
    chunk.push(row);
    if (chunk.length >= CHUNK) await flush();
  }
  await flush();
}

/** A relation without rows that has all columns: what files lack is null then. */
function emptyOf(columns: readonly Column[]): string {
  return `select ${columns.map(({ name, type }) => `null::${duckType(type)} as ${identifier(name)}`).join(", ")} where false`;
}

/**
 * Columns with instants that a file holds in the old form of 96 bits, by path. DuckDB takes them for readings of a wall clock, which
 * would make them depend on the connection's time zone.
 */
async function oldTimestamps(
  connection: DuckDBConnectionLike,
  columns: readonly Column[],
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const old = new Map<string, string[]>();
  if (paths.length === 0 || !columns.some(({ type }) => type.kind === "timestamp" && type.zone === "utc"))
    return old;
  const sql = `select file_name, name from parquet_schema([${paths.map(text).join(", ")}]) where type = 'INT96'`;
  for (const [path, name] of (await connection.runAndReadAll(sql)).getRows()) {
    const column = columns.find((candidate) => candidate.name.toLowerCase() === String(name).toLowerCase());
    if (column?.type.kind !== "timestamp" || column.type.zone !== "utc") continue;
    old.set(String(path), [...(old.get(String(path)) ?? []), String(name)]);
  }
  return old;
}

function partsOf(
  group: Group,
  columns: readonly Column[],
  old: ReadonlyMap<string, readonly string[]>,
  deletedTable: string | undefined,
): string[] {
  const alike = new Map<string, { readonly names: readonly string[]; readonly paths: string[] }>();
  for (const path of group.paths) {
    const names = old.get(path) ?? [];
    const key = JSON.stringify(names);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { names, paths: [path] });
    else known.paths.push(path);
  }
  return [...alike.values()].map(({ names, paths }) => selectOf(group, columns, names, paths, deletedTable));
}

function selectOf(
  { add, deleted }: Group,
  columns: readonly Column[],
  old: readonly string[],
  paths: readonly string[],
  deletedTable: string | undefined,
): string {
  // Whatever the files have: columns that only they know are left out, and so are partition columns that some writers store as well.
  const stored = columns.filter(({ partition }) => !partition).map(({ name }) => text(name.toLowerCase()));
  const known = `[${stored.join(", ")}]`;
  const skipped = `[${old.map((name) => text(name)).join(", ")}]::varchar[]`;
  const items = [
    `columns(c -> list_contains(${known}, lower(c)) and not list_contains(${skipped}, c))`,
    ...old.map((name) => `make_timestamptz(epoch_us(${identifier(name)})) as ${identifier(name)}`),
    ...columns
      .filter(({ partition }) => partition)
      .map(
        (column) => `${literal(column.type, parsePartitionValue(column, add))} as ${identifier(column.name)}`,
      ),
  ];
  const more = deleted ? `, filename = '${FILE}', file_row_number = true` : "";
  const from = `read_parquet([${paths.map(text).join(", ")}], union_by_name = true, hive_partitioning = false${more})`;
  if (!deleted) return `select ${items.join(", ")} from ${from}`;
  return `select ${items.join(", ")} from ${from} as f anti join ${deletedTable} as d on d.file = f.${FILE} and d."row" = f.file_row_number`;
}

/** A partition value as SQL. */
function literal(type: ColumnType, value: Scalar | null): string {
  const name = duckType(type);
  if (value === null) return `null::${name}`;
  if (type.kind === "timestamp")
    return type.zone === "utc"
      ? `make_timestamptz(${value as bigint})`
      : `make_timestamp(${value as bigint})`;
  if (type.kind === "binary") return `from_hex('${Buffer.from(value as Uint8Array).toString("hex")}')`;
  return `${text(formatScalar(type, value))}::${name}`;
}

/** The DuckDB type of a column, by name. */
function duckType(type: ColumnType): string {
  switch (type.kind) {
    case "boolean":
      return "BOOLEAN";
    case "int8":
      return "TINYINT";
    case "int16":
      return "SMALLINT";
    case "int32":
      return "INTEGER";
    case "int64":
      return "BIGINT";
    case "float32":
      return "FLOAT";
    case "float64":
      return "DOUBLE";
    case "decimal":
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case "binary":
      return "BLOB";
    case "date":
      return "DATE";
    case "timestamp":
      return type.zone === "utc" ? "TIMESTAMPTZ" : "TIMESTAMP";
    case "list":
      return `${duckType(type.element.type)}[]`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `${identifier(field.name)} ${duckType(field.type)}`).join(", ")})`;
    case "map":
      return `MAP(${duckType(type.key.type)}, ${duckType(type.value.type)})`;
    default:
      // Text, what Delta stores as text, and columns whose type is not yet known.
      return "VARCHAR";
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
