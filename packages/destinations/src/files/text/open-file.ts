import type { Schema } from "@alluvium/core";
import type { OpenFile, OpenFileOptions } from "../../lake/files/data-file.ts";
import { packing } from "./codec.ts";
import type { TextFormat } from "./format.ts";

/** Rows that become text at once. */
const ROWS = 512;
/** Text is handed on in pieces of about this size. */
const PIECE = 1 << 18;

/** Opens a data file of text. */
export async function openTextFile(
  format: TextFormat,
  { store, directory, place, partition, schema }: OpenFileOptions,
): Promise<OpenFile> {
  const writer = await store.create(directory === "" ? place.staged : `${directory}/${place.staged}`);
  const sink = packing(format.codec, (bytes) => writer.write(bytes));
  const known = knownColumns(schema);
  let rows = 0;
  let text = format.head({ fields: known.map((i) => schema.fields[i]!) });
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(text);
    text = "";
    if (bytes.length > 0) await sink.write(bytes);
  };
  return {
    place,
    get bufferedBytes() {
      return 2 * text.length;
    },
    get estimatedBytes() {
      return writer.size + text.length;
    },
    async write(batch) {
      const encode = format.rows({
        schema: { fields: known.map((i) => schema.fields[i]!) },
        length: batch.length,
        columns: known.map((i) => batch.columns[i]!),
      });
      for (let from = 0; from < batch.length; from += ROWS) {
        text += encode(from, Math.min(batch.length, from + ROWS));
        if (text.length >= PIECE) await flush();
      }
      rows += batch.length;
    },
    async close() {
      await flush();
      await sink.end();
      const { size } = await writer.complete();
      return { ...place, size, rows, partition, columns: [] };
    },
    async [Symbol.asyncDispose]() {
      sink.abandon();
      await writer[Symbol.asyncDispose]();
    },
  };
}

/** Columns whose type is known: others hold nothing yet. */
function knownColumns({ fields }: Schema): readonly number[] {
  return fields.flatMap(({ type }, i) => (type.kind === "null" ? [] : [i]));
}
