/**
 * Parquet files: an encoder and a decoder between batches and bytes, without dependencies.
 *
 * @module core/parquet
 */
export type { Compression } from "./compression.ts";
export { cutBytesAbove, cutBytesBelow, cutTextAbove, cutTextBelow } from "./cut.ts";
export {
  createParquetEncoder,
  type ParquetEncoder,
  type ParquetEncoderOptions,
  type ParquetSummary,
} from "./encoder.ts";
export { compareBytes, compareValues, type LeafStatistics, type ParquetValue } from "./statistics.ts";
export type { LeafSummary } from "./summary.ts";
