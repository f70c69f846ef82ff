import type { FileFormat } from "../format.ts";
import { avroDecoder } from "./decoder.ts";
import { checkAvro, type AvroOptions } from "./options.ts";

export type { AvroOptions } from "./options.ts";

/**
 * Avro object container files (`.avro`), each with the schema that it holds itself; blocks without compression or of the codecs deflate, snappy and zstandard.
 * All types and logical types are read. A union with null may be null; other unions, and records that hold themselves, are JSON. Durations are
 * text as ISO 8601 has it. A value that its column cannot hold refuses its row; damaged or cut off blocks are `ALV_SOURCE_DATA`, other codecs `ALV_UNSUPPORTED`.
 *
 * @example
 * ```ts
 * const format = avro();
 * ```
 */
export function avro(options: AvroOptions = {}): FileFormat {
  const { nanoseconds } = checkAvro(options);
  return {
    specVersion: 1,
    name: "avro",
    decoder: (context) => avroDecoder(nanoseconds, context),
  };
}
