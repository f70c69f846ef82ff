import { AlluviumError, type Json } from "@alluvium/core";
import { describeValue, type InferOptions } from "@alluvium/core/columns";
import { checkEncoding } from "../text/encoding.ts";

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions {
  /** Which texts are more than text, as of other resources: `{ dates: true, timestamps: true, uuids: true }`. @default none */
  readonly infer?: InferOptions;
  /** Encoding of files without a byte order mark, by its label in the WHATWG Encoding Standard. @default "utf-8" */
  readonly encoding?: string;
  /** A row with bytes that stand for no character: refused, or U+FFFD is put in their place. @default "refuse" */
  readonly invalidBytes?: "refuse" | "replace";
  /** Bytes that a row may take; a longer one ends reading. @default 67 108 864 */
  readonly maxRecordBytes?: number;
}

/** Options of {@link json}. */
export interface JsonOptions extends JsonLinesOptions {
  /** Where the rows are in a document: `data.items`, a list whose elements are rows, or one object. Names with dots are given as a list. @default the document itself */
  readonly path?: string | readonly string[];
}

/** Options with their defaults. */
export interface JsonSettings {
  readonly infer: InferOptions;
  readonly encoding: string | undefined;
  readonly invalidBytes: "refuse" | "replace";
  readonly maxRecordBytes: number;
  readonly path: readonly string[];
}

const NAMES = ["infer", "encoding", "invalidBytes", "maxRecordBytes"];
/** Most bytes that `maxRecordBytes` allows: places of values are counted in 29 bits. */
const MAX_RECORD = 256 * 1024 * 1024;

/** The options with their defaults. Throws `ALV_CONFIG` for one that is none, naming it; `format` is for the message. */
export function jsonSettings(options: JsonOptions, format: "json" | "jsonLines"): JsonSettings {
  const refused = (why: string): AlluviumError => new AlluviumError("ALV_CONFIG", `${format}: ${why}`);
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw refused(`options must be an object, not ${describeValue(options)}`);
  const names = format === "json" ? [...NAMES, "path"] : NAMES;
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw refused(`there is no option ${unknown}; there are ${names.join(", ")}`);
  const {
    infer = {},
    encoding,
    invalidBytes = "refuse",
    maxRecordBytes = 64 * 1024 * 1024,
    path = [],
  } = options;
  if (encoding !== undefined) checkEncoding(encoding, format);
  if (invalidBytes !== "refuse" && invalidBytes !== "replace")
    throw refused(`invalidBytes must be "refuse" or "replace", not ${describeValue(invalidBytes)}`);
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1024 || maxRecordBytes > MAX_RECORD)
    throw refused(
      `maxRecordBytes must be a number of bytes from 1024 to ${MAX_RECORD}, not ${describeValue(maxRecordBytes)}`,
    );
  const kinds = ["dates", "timestamps", "uuids"];
  const isInfer =
    typeof infer === "object" &&
    infer !== null &&
    Object.entries(infer).every(
      ([kind, on]) => kinds.includes(kind) && (on === undefined || typeof on === "boolean"),
    );
  if (!isInfer)
    throw refused(
      `infer must be an object of ${kinds.join(", ")}, each true or false, not ${describeValue(infer)}`,
    );
  const steps: unknown = typeof path === "string" ? (path === "" ? [] : path.split(".")) : path;
  if (!Array.isArray(steps) || !steps.every((step) => typeof step === "string"))
    throw refused(
      `path must be names with dots between them, or a list of names, not ${describeValue(path)}`,
    );
  return { infer, encoding, invalidBytes, maxRecordBytes, path: steps as readonly string[] };
}

/** What a position inside a file depends on. */
export function jsonIdentity({ encoding = "utf-8", path }: JsonSettings): Json {
  return { encoding, path };
}
