import { AlluviumError } from "@alluvium/core";
import { avro } from "./avro/index.ts";
import { csv } from "./csv/index.ts";
import type { FileFormat } from "./format.ts";
import { json, jsonLines } from "./json/index.ts";
import { parquet } from "./parquet/index.ts";

/** Formats by the extension of files, where that says enough. */
const byExtension: { readonly [extension: string]: () => FileFormat } = {
  avro,
  csv,
  json,
  jsonl: jsonLines,
  ndjson: jsonLines,
  parquet,
  tsv: () => csv({ delimiter: "\t" }),
};

/** What files may end with behind their extension: their bytes say how they are compressed. */
const COMPRESSED = /\.(gz|gzip|zst|zstd)$/i;

/** The format of a table by the extension of its globs, which all must have the same. `ALV_CONFIG` where they do not say it. */
export function formatByExtension(table: string, globs: readonly string[]): FileFormat {
  const extensions = new Set(
    globs.map((glob) => /\.([A-Za-z0-9]+)$/.exec(glob.replace(COMPRESSED, ""))?.[1]?.toLowerCase() ?? ""),
  );
  const [extension] = extensions;
  const make = byExtension[extension!];
  if (extensions.size === 1 && make !== undefined && Object.hasOwn(byExtension, extension!)) return make();
  const known = Object.keys(byExtension).join(", ");
  throw new AlluviumError(
    "ALV_CONFIG",
    `files: ${table}: ${globs.join(", ")} ${globs.length === 1 ? "does" : "do"} not say the format; give \`format\`${known === "" ? "" : `, or end all globs with one of ${known}`}`,
    { resource: table, step: "open" },
  );
}
