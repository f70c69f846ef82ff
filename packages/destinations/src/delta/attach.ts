import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { openStore } from "../lake/options.ts";
import { LOADS_TABLE } from "../lake/loads-table.ts";
import { tableDirectory } from "../lake/paths.ts";
import { LOG_FOLDER, logFolder } from "./log/paths.ts";
import { checkReadable } from "./log/protocol.ts";
import { loadState } from "./log/state.ts";
import { createDeltaView } from "./attach-view.ts";

/** The result of a query, as far as it is used here. */
export interface DuckDBRowsLike {
  /** All rows. */
  getRows(): readonly (readonly unknown[])[];
}

/** A connection of `@duckdb/node-api`, as far as it is used here. */
export interface DuckDBConnectionLike {
  /** Runs statements. */
  run(sql: string): Promise<unknown>;
  /** Runs a query and reads all of its rows. */
  runAndReadAll(sql: string): Promise<DuckDBRowsLike>;
}

/** Which tables {@link attachLake} shows. */
export interface AttachOptions {
  /** The folder of the lake: a path or a `file:` URL. */
  readonly url?: string | URL;
  /** The lake as a store on a local disk, instead of `url`. */
  readonly store?: ObjectStore;
  /** Names of tables. @default all, `_alv_loads` too */
  readonly tables?: readonly string[];
  /** The version of tables, by name: `_alv_loads` names those of one load. @default the newest */
  readonly versions?: Readonly<Record<string, number>>;
  /** Ends the work. Views that were made until then stay. */
  readonly signal?: AbortSignal;
}

/** A table that {@link attachLake} made a view of. */
export interface AttachedTable {
  /** Name of the view. */
  readonly name: string;
  readonly version: number;
  readonly files: number;
  /** Rows that the view leaves out because a deletion vector says so. */
  readonly deletedRows: number;
}

/**
 * Makes a temporary view in DuckDB of each table of a Delta lake: `select` then sees what the table holds at its newest version, deleted
 * rows left out, partition columns with their values and types, columns that older files lack as null. DuckDB reads the Parquet files
 * itself; nothing is copied, no extension is needed. A view stays with the version at which it was made: attach again to see newer loads.
 * The positions of deleted rows go into temporary tables of the connection.
 *
 * Only lakes on a local disk; tables with column mapping are refused (`ALV_UNSUPPORTED`), other features as `deltaTable` does. Any `vacuum`
 * must keep what the views read.
 *
 * @example
 * ```ts
 * import { DuckDBInstance } from "@duckdb/node-api";
 *
 * const connection = await (await DuckDBInstance.create()).connect();
 * await attachLake(connection, { url: "./lake" });
 * const reader = await connection.runAndReadAll("select country, sum(total) from orders group by country");
 * ```
 */
export async function attachLake(
  connection: DuckDBConnectionLike,
  options: AttachOptions,
): Promise<readonly AttachedTable[]> {
  const { url, versions = {}, signal } = options;
  if ((url === undefined) === (options.store === undefined))
    throw new AlluviumError("ALV_CONFIG", "attachLake: give either `url` (a folder) or `store`");
  const store = options.store ?? openStore(url!, "attachLake");
  if (!store.url.startsWith("file:"))
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `attachLake: DuckDB cannot read ${store.url}: the lake must be on a local disk`,
    );
  const call = signal ? { signal } : {};
  const attached: AttachedTable[] = [];
  const directories =
    options.tables?.map((name) => [name, tableDirectory(name)] as const) ?? tablesIn(store, signal);
  for await (const [name, directory] of directories) {
    signal?.throwIfAborted();
    const version = versions[name];
    const state = await loadState(store, directory, { ...(version !== undefined && { version }), ...call });
    if (state === undefined)
      throw new AlluviumError(
        "ALV_TABLE_NOT_FOUND",
        `attachLake: there is no Delta table ${name} in ${store.url}`,
      );
    checkReadable(state.protocol, state.metadata, `table "${name}"`);
    const counts = await createDeltaView(connection, { store, directory, name, state, ...call });
    attached.push({ name, version: state.version, ...counts });
  }
  return attached;
}

/** The tables of a lake: folders with a log. The listing jumps from folder to folder. */
async function* tablesIn(
  store: ObjectStore,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly [string, string]> {
  let startAfter: string | undefined;
  for (;;) {
    const call = { ...(startAfter !== undefined && { startAfter }), ...(signal && { signal }) };
    let folder: string | undefined;
    for await (const { path } of store.list("", call)) {
      startAfter = path;
      if (!path.includes("/")) continue;
      folder = path.slice(0, path.indexOf("/"));
      break;
    }
    if (folder === undefined) return;
    // The character after `/`: everything below the folder is passed.
    startAfter = `${folder}0`;
    if (folder === LOG_FOLDER || (/^[_.]/.test(folder) && folder !== LOADS_TABLE)) continue;
    for await (const _ of store.list(logFolder(folder), signal ? { signal } : {})) {
      yield [nameOf(folder), folder];
      break;
    }
  }
}

/** A table's name from its directory, in which some characters are percent-encoded. */
function nameOf(directory: string): string {
  try {
    return decodeURIComponent(directory);
  } catch {
    return directory;
  }
}
