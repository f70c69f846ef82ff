import { castVector, rowsOf, vectorOf, type Batch } from "@alluvium/core/columns";
import type { Schema } from "@alluvium/core";
import type { DataFile, OpenTableWriter, RewriteFiles } from "../../src/lake/contract.ts";

/** A row as a test reads it. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows as JSON lines, integers as text: the simplest data file there is. */
export function encodeRows(rows: readonly Row[]): Uint8Array {
  const text = rows
    .map((row) =>
      JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)),
    )
    .join("\n");
  return new TextEncoder().encode(text);
}

/** Reads what {@link encodeRows} wrote. */
export function decodeRows(bytes: Uint8Array): readonly Row[] {
  const text = new TextDecoder().decode(bytes);
  if (text === "") return [];
  return text
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line, (_, value: unknown) =>
          typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
        ) as Row,
    );
}

/** Writes data files as JSON lines: one open file a schema, closed by `seal`. */
export const openJsonWriter: OpenTableWriter = ({ store, directory, place, newId }) => {
  let schema: Schema | undefined;
  let rows: Row[] = [];
  let closed: DataFile[] = [];
  const close = async (): Promise<void> => {
    if (rows.length === 0) return;
    const to = place(newId(), {});
    const bytes = encodeRows(rows);
    await using writer = await store.create(`${directory}/${to.staged}`);
    await writer.write(bytes);
    await writer.complete();
    closed.push({ ...to, size: bytes.length, rows: rows.length, partition: {}, columns: [] });
    rows = [];
  };
  const discard = async (): Promise<void> => {
    rows = [];
    const paths = closed.map(({ staged }) => `${directory}/${staged}`);
    closed = [];
    await store.delete(paths);
  };
  return {
    bufferedBytes: 0,
    async write(batch) {
      if (schema !== batch.schema) await close();
      schema = batch.schema;
      rows.push(...(rowsOf(batch) as readonly Row[]));
      // Half of the files are closed before their seal, as large ones are.
      if (rows.length > 2) await close();
    },
    async seal() {
      await close();
      return closed.splice(0);
    },
    discard,
    [Symbol.asyncDispose]: discard,
  };
};

/** Writes JSON files again in a wider schema. */
export const rewriteJson: RewriteFiles = async (files, options) => {
  const writer = openJsonWriter(options);
  for (const file of files) {
    const rows = decodeRows(await options.store.get(`${options.directory}/${file.staged}`));
    await writer.write(widen(rows, options.schema));
  }
  return writer.seal();
};

function widen(rows: readonly Row[], schema: Schema): Batch {
  const columns = schema.fields.map(({ name, type }) => {
    const values = rows.map((row) => row[name] ?? null);
    const integers = values.every((value) => value === null || typeof value === "bigint");
    return integers ? castVector(vectorOf({ kind: "int64" }, values), type) : vectorOf(type, values);
  });
  return { schema, length: rows.length, columns };
}
