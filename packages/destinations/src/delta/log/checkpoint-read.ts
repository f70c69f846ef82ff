import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { Vector } from "@alluvium/core/columns";
import { openParquet } from "@alluvium/core/parquet";
import { objectSource } from "../../lake/files/object-source.ts";
import type { Action, Sidecar } from "./actions.ts";
import { cellOf } from "./cells.ts";
import { readActions } from "./codec.ts";
import { LOG_FOLDER, decodePath, inTable, isAbsolute } from "./paths.ts";
import type { CheckpointFiles } from "./segment.ts";
import { statisticsOfStruct } from "./struct-statistics.ts";

const headColumns = ["protocol", "metaData", "txn", "domainMetadata"];
const fileColumns = ["add", "remove", "sidecar"];

/**
 * The actions of a checkpoint, of any kind: classic, in parts, V2 as Parquet or JSON with sidecars. `head`: all but files,
 * `files`: files and tombstones only.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints
 */
export async function* readCheckpoint(
  store: ObjectStore,
  directory: string,
  checkpoint: CheckpointFiles,
  part: "head" | "files",
  signal?: AbortSignal,
): AsyncGenerator<Action> {
  const columns = part === "head" ? headColumns : fileColumns;
  for (const file of checkpoint.files) {
    const actions =
      checkpoint.format === "json"
        ? readActions(store, file, signal)
        : readParquetActions(store, file, columns, signal);
    for await (const action of actions) {
      if (part === "files" && action.sidecar)
        yield* readParquetActions(store, sidecarFile(directory, action.sidecar), fileColumns, signal);
      else yield action;
    }
  }
}

function sidecarFile(directory: string, { path, sizeInBytes }: Sidecar): { path: string; size: number } {
  const decoded = decodePath(path);
  if (isAbsolute(decoded) && !decoded.includes(`/${LOG_FOLDER}/_sidecars/`))
    throw new AlluviumError("ALV_FILE_INVALID", `sidecar ${path} does not stand in the table's own log`);
  const name = decoded.slice(decoded.lastIndexOf("/") + 1);
  return { path: inTable(directory, `${LOG_FOLDER}/_sidecars/${name}`), size: sizeInBytes };
}

async function* readParquetActions(
  store: ObjectStore,
  file: { readonly path: string; readonly size: number },
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Action> {
  const parquet = await openParquet(objectSource(store, file.path, file.size, signal), {
    name: file.path,
    ...(signal && { signal }),
  });
  const present = columns.filter((name) => parquet.schema.fields.some((field) => field.name === name));
  if (present.length === 0) return;
  for await (const batch of parquet.read({ columns: present, ...(signal && { signal }) })) {
    const readers = batch.schema.fields.map(({ name }, i) => actionReader(name, batch.columns[i]!));
    for (let row = 0; row < batch.length; row++)
      for (const read of readers) {
        const action = read(row);
        if (action !== undefined) yield action;
      }
  }
}

/** Reads one kind of action out of its column. */
function actionReader(name: string, vector: Vector): (row: number) => Action | undefined {
  const cell = cellOf(vector, ["stats_parsed", "partitionValues_parsed"]);
  const parsed = name === "add" ? statisticsOfStruct(vector) : undefined;
  return (row) => {
    const value = cell(row) as Record<string, unknown> | null;
    if (value === null) return undefined;
    // A table may keep statistics as columns only.
    if (parsed !== undefined && (value["stats"] === null || value["stats"] === undefined)) {
      const stats = parsed(row);
      if (stats !== undefined) return { [name]: { ...value, stats } } as Action;
    }
    return { [name]: value } as Action;
  };
}
