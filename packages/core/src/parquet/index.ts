/**
 * Parquet files: an encoder and a decoder between batches and bytes, without dependencies.
 *
 * @module core/parquet
 */
export type { Compression } from "./compression.ts";
export { cutBytesAbove, cutBytesBelow, cutTextAbove, cutTextBelow } from "./cut.ts";
export {
  openParquet,
  type OpenParquetOptions,
  type ParquetFile,
  type ReadParquetOptions,
} from "./decoder.ts";
export {
  createParquetEncoder,
  type ParquetEncoder,
  type ParquetEncoderOptions,
  type ParquetSummary,
} from "./encoder.ts";
export type { ParquetChunk, ParquetMetadata, ParquetRowGroup } from "./metadata.ts";
export { snappyDecompress } from "./snappy.ts";
export { bytesSource, type ParquetSource } from "./source.ts";
export { compareBytes, compareValues, type LeafStatistics, type ParquetValue } from "./statistics.ts";
export type { LeafSummary } from "./summary.ts";
