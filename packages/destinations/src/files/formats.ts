import { AlluviumError, type Capabilities } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import type { Compression } from "@alluvium/core/parquet";
import type { FolderKind } from "../folders/kind.ts";
import { parquetKind } from "../parquet/kind.ts";
import { folderCapabilities } from "../parquet/types.ts";
import { csvFormat } from "./csv/csv.ts";
import { jsonLinesFormat } from "./json-lines/json-lines.ts";
import { textCapabilities, textKind } from "./text/kind.ts";
import type { Codec } from "./text/codec.ts";

/** What the files of `files()` are: made by {@link csv}, {@link jsonLines} and {@link parquet}. */
export interface FilesFormat {
  /** Version of this contract. */
  readonly specVersion: 1;
  /** `csv`, `jsonLines`, `parquet`. */
  readonly name: string;
  /** What folders of such files can do. */
  readonly capabilities: Capabilities;
  /** How a folder of such files is kept. Throws `ALV_CONFIG` naming a wrong option. */
  readonly kind: (options: { readonly targetFileBytes: number }) => FolderKind;
}

/** Options of {@link csv}. */
export interface CsvOptions {
  /** What stands between cells: `","`, `";"`, `"\t"`, `"|"`. @default "," */
  readonly delimiter?: "," | ";" | "\t" | "|";
  /** What stands, without quotes, where there is no value; the same text as a value is quoted. @default "" */
  readonly null?: string;
  /** How files are compressed. @default "none" */
  readonly compression?: "none" | "gzip" | "zstd";
}

/**
 * CSV files as RFC 4180 has them (with `\n` at the ends of lines), the names of the columns in the first line. Cells are quoted where they need it; nothing without
 * quotes is null, and `""` is the empty text. Lists, structs and maps are JSON text, bytes Base64, times ISO 8601.
 *
 * @example
 * ```ts
 * const destination = files({ url: "./out", format: csv({ delimiter: ";", compression: "gzip" }) });
 * ```
 */
export function csv(options: CsvOptions = {}): FilesFormat {
  return {
    specVersion: 1,
    name: "csv",
    capabilities: textCapabilities,
    kind({ targetFileBytes }) {
      const {
        delimiter = ",",
        null: nothing = "",
        compression = "none",
      } = known("csv", options, ["delimiter", "null", "compression"]);
      if (![",", ";", "\t", "|"].includes(delimiter))
        throw config("csv", "delimiter", delimiter, 'must be ",", ";", "\\t" or "|"');
      if (typeof nothing !== "string" || /[",;\t|\r\n]/.test(nothing))
        throw config("csv", "null", nothing, "must be a text without quotes, delimiters and line ends");
      return textKind(csvFormat(codecOf("csv", compression), { delimiter, null: nothing }), targetFileBytes);
    },
  };
}

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions {
  /** How files are compressed. @default "none" */
  readonly compression?: "none" | "gzip" | "zstd";
}

/**
 * Files of JSON lines (`.jsonl`): an object a row with all of its columns, nulls included. Numbers have all their digits, also integers beyond 2^53 and decimals, which
 * some readers round; NaN and the infinities are text, bytes Base64, times ISO 8601.
 *
 * @example
 * ```ts
 * const destination = files({ url: "./out", format: jsonLines({ compression: "zstd" }) });
 * ```
 */
export function jsonLines(options: JsonLinesOptions = {}): FilesFormat {
  return {
    specVersion: 1,
    name: "jsonLines",
    capabilities: textCapabilities,
    kind({ targetFileBytes }) {
      const { compression = "none" } = known("jsonLines", options, ["compression"]);
      return textKind(jsonLinesFormat(codecOf("jsonLines", compression)), targetFileBytes);
    },
  };
}

/** Options of {@link parquet}. */
export interface ParquetFilesOptions {
  /** Codec of the pages. @default "zstd" */
  readonly compression?: Compression;
}

/**
 * Parquet files, in the same folders that the destination `parquet()` keeps.
 *
 * @example
 * ```ts
 * const destination = files({ url: "./out", format: parquet({ compression: "snappy" }) });
 * ```
 */
export function parquet(options: ParquetFilesOptions = {}): FilesFormat {
  return {
    specVersion: 1,
    name: "parquet",
    capabilities: folderCapabilities,
    kind({ targetFileBytes }) {
      const { compression = "zstd" } = known("parquet", options, ["compression"]);
      if (!["zstd", "snappy", "gzip", "none"].includes(compression))
        throw config("parquet", "compression", compression, 'must be "zstd", "snappy", "gzip" or "none"');
      return parquetKind({ compression, targetFileBytes });
    },
  };
}

function codecOf(format: string, compression: unknown): Codec {
  if (compression === "none" || compression === "gzip" || compression === "zstd") return compression;
  throw config(format, "compression", compression, 'must be "none", "gzip" or "zstd"');
}

function known<Options extends object>(
  format: string,
  options: Options,
  names: readonly (keyof Options & string)[],
): Options {
  const strange = Object.keys(options).find((name) => !(names as readonly string[]).includes(name));
  if (strange === undefined) return options;
  throw new AlluviumError(
    "ALV_CONFIG",
    `files: ${format} has no option ${strange}; there are ${names.join(", ")}`,
    { step: "open" },
  );
}

function config(format: string, name: string, value: unknown, why: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `files: ${name} of ${format} is ${describeValue(value)}; it ${why}`,
    {
      step: "open",
    },
  );
}
