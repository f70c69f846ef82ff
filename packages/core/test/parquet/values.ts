import { isValid, scalarAt, type Batch, type Vector } from "../../src/columns/index.ts";
import type { Schema } from "../../src/schema/types.ts";
import {
  bytesSource,
  createParquetEncoder,
  openParquet,
  type ParquetEncoderOptions,
  type ParquetSummary,
} from "../../src/parquet/index.ts";

/** A vector's rows as plain values that can be compared exactly: scalars as stored, lists and structs as arrays, maps as pairs. */
export function valuesOf(vector: Vector): unknown[] {
  return Array.from({ length: vector.length }, (_, row) => valueAt(vector, row));
}

function valueAt(vector: Vector, row: number): unknown {
  if (!isValid(vector, row)) return null;
  switch (vector.layout) {
    case "dictionary":
      return valueAt(vector.dictionary, vector.codes[row]!);
    case "struct":
      return vector.children.map((child) => valueAt(child, row));
    case "list":
      return range(vector.offsets, row).map((i) => valueAt(vector.child, i));
    case "map":
      return range(vector.offsets, row).map((i) => [valueAt(vector.keys, i), valueAt(vector.values, i)]);
    default: {
      const value = scalarAt(vector, row);
      return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
    }
  }
}

function range(offsets: Int32Array, row: number): number[] {
  return Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, i) => offsets[row]! + i);
}

/** Encodes batches into one array. */
export async function encode(
  schema: Schema,
  batches: Iterable<Batch>,
  options: Partial<ParquetEncoderOptions> = {},
): Promise<{ bytes: Uint8Array; summary: ParquetSummary }> {
  const pieces: Uint8Array[] = [];
  const encoder = createParquetEncoder({
    schema,
    sink: async (bytes) => void pieces.push(new Uint8Array(bytes)),
    ...options,
  });
  for (const batch of batches) await encoder.write(batch);
  const summary = await encoder.close();
  return { bytes: Buffer.concat(pieces), summary };
}

/** All rows of a file, by column. */
export async function decode(
  bytes: Uint8Array,
  options: Parameters<Awaited<ReturnType<typeof openParquet>>["read"]>[0] = {},
): Promise<{ schema: Schema; columns: Record<string, unknown[]> }> {
  const file = await openParquet(bytesSource(bytes), { name: "test.parquet" });
  const columns: Record<string, unknown[]> = {};
  let schema = file.schema;
  for await (const batch of file.read(options)) {
    ({ schema } = batch);
    batch.schema.fields.forEach(({ name }, i) => {
      const values = valuesOf(batch.columns[i]!);
      if (values.length !== batch.length)
        throw new Error(`${name} has ${values.length} of ${batch.length} rows`);
      (columns[name] ??= []).push(...values);
    });
  }
  return { schema, columns };
}

/** The first row in which two columns differ, -1 when they are equal; `-0` is not `0`, NaN is NaN. */
export function firstDifference(a: readonly unknown[], b: readonly unknown[]): number {
  for (let row = 0; row < Math.max(a.length, b.length); row++) if (!same(a[row], b[row])) return row;
  return -1;
}

function same(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((item, i) => same(item, b[i]));
}
