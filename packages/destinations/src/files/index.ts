/**
 * Folders of files: CSV, JSON lines, Parquet.
 *
 * @module destinations/files
 */
import type { Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import { openFolders } from "../folders/open.ts";
import { textCapabilities } from "./text/kind.ts";
import { checkFiles, type FilesOptions } from "./options.ts";

export {
  csv,
  jsonLines,
  parquet,
  type CsvOptions,
  type FilesFormat,
  type JsonLinesOptions,
  type ParquetFilesOptions,
} from "./formats.ts";
export type { FilesOptions } from "./options.ts";

/**
 * Tables as folders of files, which anything reads: `<url>/<table>/…/part-<id>.csv`, partitioned as Hive does. Each row is there exactly once
 * when a run has ended, also after crashes; while a load is applied, readers may see some of its files earlier than others (and, in a replace, new
 * and old ones together). Where that matters use `delta()`.
 *
 * Options are checked when a run opens it: `ALV_CONFIG` names what is wrong.
 *
 * @example
 * ```ts
 * const out = files({ url: "./out", format: csv({ compression: "gzip" }) });
 * const bucket = files({ store: s3Store("s3://my-lake/out", { region: "eu-central-1" }), format: jsonLines() });
 * const exported = pipeline({ name: "shop", source: shop, destination: out });
 * ```
 */
export function files(options: FilesOptions): Destination<"append" | "replace"> {
  return {
    specVersion: 1,
    name: "files",
    runner,
    // A wrong format is found out when it is opened.
    capabilities: options.format?.capabilities ?? textCapabilities,
    open: async (context) => {
      const { store, kind } = checkFiles(options);
      return openFolders(store, kind)(context);
    },
  };
}
