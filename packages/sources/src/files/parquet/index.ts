import type { FileFormat } from "../format.ts";
import { parquetDecoder } from "./decoder.ts";
import { checkParquet, type ParquetOptions } from "./options.ts";

export type { ParquetOptions } from "./options.ts";

/**
 * Parquet files of any writer: all types, encodings and layouts of the format, no compression, Snappy, gzip, zstd, brotli, LZ4. Only the
 * footer and the columns that are wanted are fetched, a row group at a time. Every column may be null, whatever the files say, since other files
 * may lack it. A damaged file is `ALV_SOURCE_DATA`, with column and byte; an encrypted one, LZO, decimals of more than 38 digits are
 * `ALV_UNSUPPORTED`.
 *
 * Trap: unsigned 64-bit integers come as `decimal(20, 0)`, and times in nanoseconds must be whole microseconds unless `nanoseconds` says otherwise.
 *
 * @example
 * ```ts
 * const format = parquet({ columns: ["id", "total"] });
 * ```
 */
export function parquet(options: ParquetOptions = {}): FileFormat {
  const checked = checkParquet(options);
  return {
    specVersion: 1,
    name: "parquet",
    decoder: (context) => parquetDecoder(checked, context),
  };
}
