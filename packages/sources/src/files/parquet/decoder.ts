import { AlluviumError } from "@alluvium/core";
import { sliceBatch, type Batch } from "@alluvium/core/columns";
import { openParquet, type ParquetFile, type ParquetRowGroup } from "@alluvium/core/parquet";
import type { DecoderContext, FileContent, FileDecoder, FileItem } from "../format.ts";
import { batchShaper } from "../given-types.ts";
import { contentSource } from "./content-source.ts";
import type { CheckedParquet } from "./options.ts";
import { decodePosition, type ParquetPosition } from "./position.ts";

/** More rows gain nothing. */
const MOST_ROWS = 1 << 16;

/** Reads Parquet files, one row group after the other. */
export function parquetDecoder(options: CheckedParquet, context: DecoderContext): FileDecoder {
  const shape = batchShaper(context);
  return {
    async *read(file, since) {
      const from = decodePosition(since, file.path);
      try {
        const source = contentSource(file);
        const { nanoseconds } = options;
        const opened = await openParquet(source, { name: file.path, nanoseconds, signal: context.signal });
        yield* readGroups(opened, file, from, options, context, shape);
      } catch (error) {
        throw readFailure(error, file.path);
      }
    },
  };
}

async function* readGroups(
  opened: ParquetFile,
  { path }: FileContent,
  from: ParquetPosition,
  options: CheckedParquet,
  { batchBytes, signal }: DecoderContext,
  shape: (batch: Batch) => Batch,
): AsyncGenerator<FileItem> {
  const { rowGroups } = opened;
  const columns = presentColumns(opened, options.columns, path);
  const chosen = columns && new Set(columns);
  let first = rowGroups.slice(0, from.group).reduce((sum, { rows }) => sum + rows, 0);
  const memory = groupMemory();
  for (let group = from.group; group < rowGroups.length; group++) {
    const { rows } = rowGroups[group]!;
    const skipped = group === from.group ? from.row : 0;
    const batchRows = Math.min(MOST_ROWS, Math.ceil(batchBytes / bytesPerRow(rowGroups[group]!, chosen)));
    let row = 0;
    for await (const whole of opened.read({
      ...(columns && { columns }),
      rowGroups: [group],
      batchRows,
      dictionaries: "all",
      onGroupRead: memory.end,
      signal,
    })) {
      const batch = sliceBatch(whole, skipped - row);
      const start = first + row + whole.length - batch.length;
      row += whole.length;
      if (batch.length === 0) continue;
      const position = row < rows ? { group, row } : { group: group + 1, row: 0 };
      yield {
        batch: shape(batch),
        position,
        locate: (at) => ({ row: start + at + 1 }),
        release: memory.lend(),
      };
    }
    first += rows;
  }
}

/** Takes the memory of a row group back when the last of its batches is given back. */
function groupMemory(): { readonly lend: () => () => void; readonly end: (release: () => void) => void } {
  let group = { out: 0, release: undefined as (() => void) | undefined };
  return {
    lend() {
      const own = group;
      let isOut = true;
      own.out += 1;
      return () => {
        if (!isOut) return;
        isOut = false;
        own.out -= 1;
        if (own.out === 0) own.release?.();
      };
    },
    end(release) {
      group.release = release;
      if (group.out === 0) release();
      group = { out: 0, release: undefined };
    },
  };
}

/** The chosen columns that a file has. */
function presentColumns(
  { schema }: ParquetFile,
  chosen: readonly string[] | undefined,
  path: string,
): readonly string[] | undefined {
  if (chosen === undefined) return undefined;
  const names = new Set(schema.fields.map(({ name }) => name));
  const present = chosen.filter((name) => names.has(name));
  if (present.length > 0) return present;
  const known = [...names].slice(0, 20).join(", ");
  throw new AlluviumError(
    "ALV_SOURCE_NOT_FOUND",
    `${path} has none of the columns ${chosen.join(", ")}; it has ${known}`,
    { step: "read" },
  );
}

/** About how many bytes the rows of a group take each, unpacked. Values by dictionary may take more than they do in the file. */
function bytesPerRow({ columns, rows }: ParquetRowGroup, chosen: ReadonlySet<string> | undefined): number {
  let bytes = 0;
  for (const { path, uncompressedBytes, slots } of columns)
    if (chosen === undefined || chosen.has(path[0]!)) bytes += Math.max(uncompressedBytes, 4 * slots);
  return Math.max(1, bytes / Math.max(1, rows));
}

/** What is wrong with a file is said in the codes of sources. */
function readFailure(error: unknown, path: string): unknown {
  if (!AlluviumError.is(error)) return error;
  const { code, message, cause } = error;
  if (code === "ALV_FILE_INVALID")
    return new AlluviumError("ALV_SOURCE_DATA", `${message}. Put a whole file in its place, or exclude it`, {
      cause: cause ?? error,
      step: "read",
    });
  if (code === "ALV_VALUE_UNREPRESENTABLE")
    return new AlluviumError(code, `${path}: ${message}`, { cause: cause ?? error, step: "read" });
  return error;
}
