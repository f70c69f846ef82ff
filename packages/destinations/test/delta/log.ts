import { memoryStore } from "@alluvium/core/storage/memory";
import type { ObjectStore } from "@alluvium/core";

/** Test logs: tables written by hand, line by line. */
export const protocol = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } };

/** A metaData action with integer columns, or a schema of its own. */
export function metaData(columns: readonly (string | object)[], more: Record<string, unknown> = {}): object {
  return {
    metaData: {
      id: "11111111-1111-4111-8111-111111111111",
      format: { provider: "parquet", options: {} },
      schemaString: JSON.stringify({
        type: "struct",
        fields: columns.map((column) =>
          typeof column === "string" ? { name: column, type: "long", nullable: true, metadata: {} } : column,
        ),
      }),
      partitionColumns: [],
      configuration: {},
      ...more,
    },
  };
}

/** An add action. */
export function add(path: string, more: Record<string, unknown> = {}): object {
  return {
    add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, ...more },
  };
}

/** A remove action. */
export function remove(path: string, more: Record<string, unknown> = {}): object {
  return { remove: { path, deletionTimestamp: 1, dataChange: true, ...more } };
}

/** Name of a version. */
export function name(version: number, suffix = "json"): string {
  return `t/_delta_log/${String(version).padStart(20, "0")}.${suffix}`;
}

/** Puts lines into a store. */
export async function put(
  store: ObjectStore,
  path: string,
  lines: readonly (object | string)[],
): Promise<void> {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  await store.put(path, new TextEncoder().encode(`${text}\n`));
}

/** A store with a table in `t` whose commits are given. */
export async function tableOf(...commits: readonly (readonly (object | string)[])[]): Promise<ObjectStore> {
  const store = memoryStore();
  for (const [version, lines] of commits.entries()) await put(store, name(version), lines);
  return store;
}

/** Paths of the live files and of the tombstones, sorted. */
export async function pathsOf(
  actions: AsyncIterable<{
    readonly add?: { path: string } | undefined;
    readonly remove?: { path: string } | undefined;
  }>,
): Promise<{ live: string[]; gone: string[] }> {
  const live: string[] = [];
  const gone: string[] = [];
  for await (const action of actions) {
    if (action.add) live.push(action.add.path);
    if (action.remove) gone.push(action.remove.path);
  }
  return { live: live.sort(), gone: gone.sort() };
}
