/**
 * Batches to and from Apache Arrow, without copying where the layouts agree. Needs the package `apache-arrow`.
 *
 * @module core/arrow
 */
import type * as Arrow from "apache-arrow";
import { AlluviumError } from "../errors.ts";
import { arrowColumn, type ArrowModule } from "./arrow-write.ts";
import { readArrowColumn } from "./arrow-read.ts";
import type { Batch } from "./batch.ts";
import { concatBatches } from "./concat.ts";
import { nullVector } from "./null-vector.ts";

export type { ArrowModule } from "./arrow-write.ts";

/** Options of {@link toArrow}. */
export interface ToArrowOptions {
  /** The module `apache-arrow`, where the program has it already. @default imported when called */
  readonly arrow?: ArrowModule;
}

/**
 * A batch as an Arrow record batch that shares its memory; only decimals of up to 18 digits are copied, since Arrow holds them in 128
 * bits. `uuid` and `json` carry the canonical extension names `arrow.uuid` and `arrow.json`. What a batch of changes adds to its columns is left out.
 *
 * Throws `ALV_MISSING_PACKAGE` where `apache-arrow` is not installed.
 *
 * @example
 * ```ts
 * const table = new Table(await toArrow(batch));
 * ```
 */
export async function toArrow(batch: Batch, options: ToArrowOptions = {}): Promise<Arrow.RecordBatch> {
  const arrow = options.arrow ?? (await importArrow());
  const columns = batch.schema.fields.map((field, i) => arrowColumn(arrow, field, batch.columns[i]!));
  const fields = columns.map(({ field }) => field);
  const data = arrow.makeData({
    type: new arrow.Struct(fields),
    length: batch.length,
    nullCount: 0,
    children: columns.map(({ data: column }) => column),
  });
  return new arrow.RecordBatch(new arrow.Schema(fields), data as never);
}

/**
 * The rows of an Arrow record batch, or of a table, as a batch. Memory is shared where the layouts agree: with a record batch (or a table of
 * one) nearly always; a table of several is joined by copying – convert its `batches` one by one to avoid that.
 *
 * Other widths are widened (`uint32` to `int64`, `uint64` to `decimal(20,0)`, views and large offsets to plain ones, seconds, milliseconds
 * and nanoseconds to microseconds). A value that has no exact form is `ALV_VALUE_UNREPRESENTABLE`; unions, intervals and durations are
 * `ALV_UNSUPPORTED`.
 */
export function fromArrow(source: Arrow.RecordBatch | Arrow.Table): Batch {
  if (!("batches" in source)) return fromRecordBatch(source);
  const batches = source.batches.filter((batch) => batch.numRows > 0).map(fromRecordBatch);
  if (batches.length > 0) return concatBatches(batches);
  const first = source.batches[0];
  if (first !== undefined) return fromRecordBatch(first);
  return { schema: { fields: [] }, length: 0, columns: [] };
}

function fromRecordBatch(source: Arrow.RecordBatch): Batch {
  const columns = source.schema.fields.map((field, i) => readArrowColumn(field, source.data.children[i]));
  return {
    schema: { fields: columns.map(({ field }) => field) },
    length: source.numRows,
    columns: columns.map(({ field, vector }) => vector ?? nullVector(field.type, source.numRows)),
  };
}

async function importArrow(): Promise<ArrowModule> {
  try {
    return await import("apache-arrow");
  } catch (cause) {
    throw new AlluviumError(
      "ALV_MISSING_PACKAGE",
      "toArrow needs the package apache-arrow: npm install apache-arrow",
      { cause },
    );
  }
}
