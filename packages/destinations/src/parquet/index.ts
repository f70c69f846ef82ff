/**
 * Folders of Parquet files.
 *
 * @module destinations/parquet
 */
import type { Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import { openFolders } from "../folders/open.ts";
import { parquetKind } from "./kind.ts";
import { checkOptions, type ParquetOptions } from "./options.ts";
import { folderCapabilities } from "./types.ts";

export type { ParquetOptions } from "./options.ts";

/**
 * Tables as folders of Parquet files, which anything reads: `<url>/<table>/…/part-<id>.parquet`, partitioned as Hive does. Each row is
 * there exactly once when a run has ended, also after crashes; while a load is applied, readers may see some of its files earlier than
 * others (and, in a replace, new and old ones together). Where that matters use `delta()`.
 *
 * Options are checked when a run opens it: `ALV_CONFIG` names what is wrong.
 *
 * @example
 * ```ts
 * const files = pipeline({ name: "shop", source: shop, destination: parquet({ url: "./files" }) });
 * const bucket = pipeline({ name: "shop", source: shop, destination: parquet({ url: "s3://my-lake/files" }) });
 * ```
 */
export function parquet(options: ParquetOptions): Destination<"append" | "replace"> {
  return {
    specVersion: 1,
    name: "parquet",
    runner,
    capabilities: folderCapabilities,
    open: async (context) => {
      const { store, ...rest } = checkOptions(options);
      return openFolders(store, parquetKind(rest))(context);
    },
  };
}
