import type { ColumnHints, Json, RefusedRow, Schema } from "@alluvium/core";
import { isValid, rowsOf, type Vector } from "@alluvium/core/columns";
import type { FileContent, FileDecoder, FileFormat, FileItem } from "../../src/files/format.ts";

/** A decoder of a format, for a table that declares what `options` say. */
export function decoderOf(
  format: FileFormat,
  options: {
    readonly schema?: Schema;
    readonly columns?: ColumnHints;
    readonly batchBytes?: number;
    readonly signal?: AbortSignal;
    readonly learned?: Json | undefined;
  } = {},
): FileDecoder {
  const {
    schema = { fields: [] },
    columns,
    batchBytes = 1 << 20,
    signal = new AbortController().signal,
    learned,
  } = options;
  return format.decoder({ signal, schema, columns, batchBytes, learned });
}

/** All items of a file. */
export async function itemsOf(decoder: FileDecoder, file: FileContent, since?: Json): Promise<FileItem[]> {
  const items: FileItem[] = [];
  for await (const item of decoder.read(file, since)) items.push(item);
  return items;
}

/** What a file holds. */
export interface Decoded {
  /** Its rows as user code has them, timestamps in microseconds. */
  readonly rows: readonly Record<string, unknown>[];
  readonly refused: readonly RefusedRow[];
  /** The columns of the last batch. */
  readonly schema: Schema | undefined;
  readonly lines: readonly unknown[];
}

/** Gathers items. */
export function gathered(items: readonly FileItem[]): Decoded {
  const rows: Record<string, unknown>[] = [];
  const refused: RefusedRow[] = [];
  const lines: unknown[] = [];
  let schema: Schema | undefined;
  for (const item of items)
    if ("refused" in item) refused.push(...item.refused);
    else {
      ({ schema } = item.batch);
      for (const column of item.batch.columns) checkVector(column, item.batch.length);
      rows.push(...rowsOf(item.batch, { timestamps: "micros" }));
      for (let row = 0; row < item.batch.length; row++) lines.push(item.locate(row)["line"]);
    }
  return { rows, refused, schema, lines };
}

/** Rows alone do not show what a vector says of itself. */
function checkVector(vector: Vector, length: number): void {
  let nulls = 0;
  for (let row = 0; row < length; row++) if (!isValid(vector, row)) nulls += 1;
  if (vector.length !== length || vector.nullCount !== nulls)
    throw new Error(
      `a column of ${vector.length} rows and ${vector.nullCount} nulls in a batch of ${length} rows and ${nulls} nulls`,
    );
}

/** What a file holds, by a new decoder. */
export async function decoded(
  format: FileFormat,
  file: FileContent,
  options: Parameters<typeof decoderOf>[1] = {},
): Promise<Decoded> {
  return gathered(await itemsOf(decoderOf(format, options), file));
}
