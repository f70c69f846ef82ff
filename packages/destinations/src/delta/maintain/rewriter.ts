import { randomUUID } from "node:crypto";
import type { Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { openDataFile, type OpenFile } from "../../lake/files/data-file.ts";
import type { AddFile } from "../log/actions.ts";
import { decodePath, inTable } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { placeFile } from "../place.ts";
import { columnsOf, mappingMode, type Column } from "../read/columns.ts";
import { readFileRows, type FileReading } from "../read/file-rows.ts";
import { selectRows } from "../read/select.ts";
import { addOf } from "../write/actions.ts";
import type { CareContext } from "./target.ts";

const ROW_GROUP_BYTES = 16 << 20;

/** How the files of a table are read to be written again: without partition columns and those of unknown type, which are not in files. */
export function readingOf(
  state: TableState,
  { store, directory, signal }: CareContext,
  columns: readonly Column[] = columnsOf(state).filter(
    ({ partition, type }) => !partition && type.kind !== "null",
  ),
): FileReading {
  // Nullable throughout: whether a column may hold nulls is the log's to say.
  const schema: Schema = { fields: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
  return { store, directory, mode: mappingMode(state), columns, schema, signal };
}

/** The rows of files that are not deleted, file after file. */
export async function* liveRows(files: readonly AddFile[], reading: FileReading): AsyncGenerator<Batch> {
  for (const add of files)
    for await (const piece of readFileRows(add, reading)) {
      const batch = selectRows(piece, [], "matching");
      if (batch !== undefined) yield batch;
    }
}

/** Rows on their way into new files of one partition. Disposed before it is closed, it deletes them. */
export interface Rewriter extends AsyncDisposable {
  write(batch: Batch): Promise<void>;
  /** The new files, not yet durable and named by nobody. */
  close(): Promise<readonly AddFile[]>;
}

/** How {@link openRewriter} writes. */
export interface RewriterOptions {
  readonly state: TableState;
  readonly partitionValues: AddFile["partitionValues"];
  readonly schema: Schema;
  /** A file of this size is closed and the next one opened. */
  readonly fileBytes: number;
  /** What the log says of the new files besides. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Opens new files for rows of one partition; none is made until a row comes. */
export function openRewriter(context: CareContext, options: RewriterOptions): Rewriter {
  const { store, directory, budget } = context;
  const { state, partitionValues, schema, fileBytes, tags } = options;
  const { partitionColumns, configuration } = state.metadata;
  const rowGroupBytes = Math.max(1 << 20, Math.min(ROW_GROUP_BYTES, Math.floor(budget / 4)));
  let file: OpenFile | undefined;
  let added: AddFile[] = [];
  const finish = async (): Promise<void> => {
    if (file === undefined) return;
    const written = await file.close();
    file = undefined;
    const add = addOf(written, state.schema, partitionColumns, configuration, Date.now());
    added.push(tags === undefined ? add : { ...add, tags });
  };
  return {
    async write(batch) {
      file ??= await openDataFile({
        store,
        directory,
        place: placeFile(randomUUID(), partitionValues),
        partition: partitionValues,
        schema,
        compression: "zstd",
        rowGroupBytes,
        keyValueMetadata: {},
      });
      await file.write({ schema, length: batch.length, columns: batch.columns });
      if (file.estimatedBytes >= fileBytes) await finish();
    },
    async close() {
      await finish();
      const files = added;
      added = [];
      return files;
    },
    async [Symbol.asyncDispose]() {
      await file?.[Symbol.asyncDispose]();
      await store.delete(storedPaths(directory, added)).catch(() => undefined);
    },
  };
}

/** Where files that were just written stand in the store. */
export function storedPaths(directory: string, files: readonly AddFile[]): readonly string[] {
  return files.map(({ path }) => inTable(directory, decodePath(path)));
}
