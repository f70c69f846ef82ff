import {
  AlluviumError,
  type Json,
  type ObjectInfo,
  type RefusedRow,
  type StreamContext,
  type StreamItem,
} from "@alluvium/core";
import { batchBytes } from "@alluvium/core/columns";
import { openContent } from "./content/open.ts";
import type { DescribedTable } from "./described.ts";
import type { FileContent, FileDecoder } from "./format.ts";
import { createGatherer } from "./gather.ts";
import type { FilesCursor, HalfFile } from "./ledger/cursor.ts";

const MIB = 1024 * 1024;

/** Reads the files of a table, one after another. */
export interface Reader {
  /** Opens a version of a file. */
  readonly open: (info: ObjectInfo, signal: AbortSignal) => Promise<FileContent>;
  /** Rows of a file from a position on; `at` gives the cursor at a position inside it, where there are to be points to resume from. */
  rows(
    file: FileContent,
    since: Json | undefined,
    at: ((half: HalfFile) => FilesCursor) | undefined,
  ): AsyncIterable<StreamItem<FilesCursor>>;
  /** Whether the last file that was begun has given anything. */
  readonly hasBegun: boolean;
  /** What is held back to be joined with more. */
  flush(): Iterable<StreamItem<FilesCursor>>;
  /** What the format has learned of the columns. */
  learned(): Json | undefined;
  /** Whether a point to resume from is due after a file. */
  isDue(milliseconds: number): boolean;
}

/** For one read of a table. */
export function createReader(table: DescribedTable, context: StreamContext<FilesCursor>): Reader {
  const { name, store, checkpointBytes } = table;
  const { signal, budget } = context;
  const batchTarget = Math.min(2 * MIB, Math.max(MIB / 16, Math.floor(budget / 8)));
  const openDecoder = (learned: Json | undefined): FileDecoder =>
    table.format.decoder({
      signal,
      schema: table.schema,
      columns: table.hints,
      learned,
      discard: table.leavesOut ? () => (values += 1) : undefined,
      batchBytes: batchTarget,
    });
  let decoder = openDecoder(context.since?.learned);
  const gatherer = createGatherer(name, table.path, Math.min(batchTarget, checkpointBytes));
  const format = table.formatHash;
  /** Bytes of rows, and the time, since the last point to resume from. */
  let bytes = 0;
  // The first file is followed by one, however small it is: what fails without any is not read again up to where it failed.
  let time = 0;
  let begun = false;
  /** Values that were left out, and not told yet. */
  let values = 0;
  const refusedItem = (refused: readonly RefusedRow[]): StreamItem<FilesCursor> => {
    const item = { table: name, refused, values };
    values = 0;
    return item;
  };

  return {
    open: (info, ending) => openContent(store, info, { signal: ending, budget: Math.floor(budget / 2) }),
    async *rows(file, since, at) {
      begun = false;
      try {
        for await (const item of decoder.read(file, since)) {
          begun = true;
          if ("batch" in item) {
            if (values > 0) yield refusedItem([]);
            const size = batchBytes(item.batch);
            bytes += size;
            yield* gatherer.take(item, size, file);
          } else if (item.refused.length > 0)
            yield refusedItem(
              item.refused.map((row) => ({
                ...row,
                position: { file: file.path, ...(row.position as object | undefined) },
              })),
            );
          const { position } = item;
          if (at === undefined || position === undefined || bytes < checkpointBytes) continue;
          yield* gatherer.flush();
          yield { checkpoint: at({ path: file.path, tag: file.tag, position, format }) };
          bytes = 0;
          time = Date.now();
        }
      } catch (error) {
        signal.throwIfAborted();
        // It may hold rows of what it did not read to its end.
        if (!begun) decoder = openDecoder(decoder.learned?.());
        throw told(error, file);
      }
    },
    get hasBegun() {
      return begun;
    },
    *flush() {
      yield* gatherer.flush();
      bytes = 0;
      time = Date.now();
    },
    learned: () => decoder.learned?.(),
    isDue: (milliseconds) =>
      gatherer.isFull || bytes >= Math.min(batchTarget, checkpointBytes) || Date.now() - time >= milliseconds,
  };

  /** A file that changed or went while it was read is one story: its rows go back, and the next attempt sees what there is. */
  function told(error: unknown, { path }: FileContent): unknown {
    if (!AlluviumError.is(error)) return error;
    const { code } = error;
    if (code !== "ALV_SOURCE_CHANGED" && code !== "ALV_NOT_FOUND")
      return error.at({ resource: name, step: "read" });
    const what = code === "ALV_NOT_FOUND" ? "removed" : "overwritten";
    return new AlluviumError(
      "ALV_SOURCE_CHANGED",
      `files: ${name}: ${path} was ${what} while it was read${begun ? ": what was read of it goes back" : ""}`,
      { resource: name, step: "read", cause: error, retryable: true },
    );
  }
}
