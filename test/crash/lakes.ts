import type { Destination, ObjectStore } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { powerLossStore, type PowerLossStore } from "@alluvium/core/testing";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { parquet } from "@alluvium/destinations/parquet";
import { parquetReadObjects } from "hyparquet";

/** A row as it is read back. */
export type Row = Readonly<Record<string, unknown>>;

/** A destination whose runs are broken, and how its tables are read. */
export interface Lake {
  readonly name: string;
  readonly destination: (store: ObjectStore) => Destination<"append" | "replace">;
  /** All rows; none where there is no table. */
  readonly read: (store: ObjectStore, table: string) => Promise<readonly Row[]>;
  /** The newest version of a table, where it counts them. */
  readonly version: (store: ObjectStore, table: string) => Promise<number | undefined>;
}

/** Delta tables, read by our own reader (the interop tests read them with others). */
export const deltaLake: Lake = {
  name: "delta",
  destination: (store) => delta({ store, compression: "none" }),
  async read(store, table) {
    const rows: Row[] = [];
    if (!(await exists(store, `${table}/_delta_log/`))) return rows;
    for await (const batch of deltaTable({ store, path: table }).scan()) rows.push(...rowsOf(batch));
    return rows;
  },
  async version(store, table) {
    if (!(await exists(store, `${table}/_delta_log/`))) return undefined;
    return (await deltaTable({ store, path: table }).snapshot()).version;
  },
};

/** Folders of Parquet files, read by another library. */
export const folderLake: Lake = {
  name: "parquet",
  destination: (store) => parquet({ store, compression: "none" }),
  async read(store, table) {
    const rows: Row[] = [];
    for await (const { path } of store.list(`${table}/`)) {
      const segments = path.split("/").slice(1);
      if (segments.some((segment) => /^[._][^=]*$/.test(segment)) || !path.endsWith(".parquet")) continue;
      const partition = Object.fromEntries(
        segments.slice(0, -1).map((segment) => {
          const [name, value] = segment.split("=") as [string, string];
          const text = value === "__HIVE_DEFAULT_PARTITION__" ? null : decodeURIComponent(value);
          return [name, text !== null && /^\d+$/.test(text) ? Number(text) : text];
        }),
      );
      const { buffer } = new Uint8Array(await store.get(path));
      for (const row of await parquetReadObjects({ file: buffer })) rows.push({ ...row, ...partition });
    }
    return rows;
  },
  version: () => Promise.resolve(undefined),
};

async function exists(store: ObjectStore, prefix: string): Promise<boolean> {
  for await (const _ of store.list(prefix)) return true;
  return false;
}

/** A disk whose clock a test moves on, so that the lease of a run that was stopped lapses without waiting. */
export interface Disk<Store extends ObjectStore = ObjectStore> {
  readonly store: Store;
  readonly later: (milliseconds: number) => void;
}

/** A new disk in memory. */
export function memoryDisk(): Disk {
  let ahead = 0;
  return {
    store: memoryStore({ clock: () => new Date(Date.now() + ahead) }),
    later: (milliseconds) => (ahead += milliseconds),
  };
}

/** A new disk in memory whose power can be cut. `beforeSync`: see the options of `powerLossStore`. */
export function powerDisk(beforeSync?: (path: string) => void): Disk<PowerLossStore> {
  let ahead = 0;
  const clock = (): Date => new Date(Date.now() + ahead);
  return {
    store: powerLossStore({ clock, ...(beforeSync && { beforeSync }) }),
    later: (milliseconds) => (ahead += milliseconds),
  };
}

/** Copies what one store holds into another. */
export async function copyStore(from: ObjectStore, to: ObjectStore): Promise<void> {
  for await (const { path } of from.list("")) await to.put(path, await from.get(path));
}

/** Deletes everything below a prefix. */
export async function deleteBelow(store: ObjectStore, prefix: string): Promise<void> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  await store.delete(paths);
}
