import type { Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import * as z from "zod";
import { rewriteWith } from "../lake/files/rewrite.ts";
import { openTableWriter, type FileOptions } from "../lake/files/table-writer.ts";
import { openLake } from "../lake/lake.ts";
import { checkLakeOptions } from "../lake/options.ts";
import { withOptimize } from "./auto-optimize.ts";
import { capabilities, deltaFormatWith } from "./format.ts";
import type { LakeCatalog } from "./catalog.ts";
import type { LogStore } from "./log-store.ts";
import type { AutoOptimize, DeltaOptions } from "./options.ts";

const count = (what: string): z.ZodOptional<z.ZodInt> =>
  z.int(`must be ${what}`).positive(`must be ${what} above 0`).optional();
const share = "must be a share from 0 to 1";
const extra = {
  optimize: z
    .union(
      [
        z.boolean(),
        z.strictObject({
          every: count("a number of versions"),
          minFiles: count("a number of files"),
          purge: z.number(share).min(0, share).max(1, share).optional(),
          maxBytes: count("a number of bytes"),
        }),
      ],
      "must be true, false, or an object with every, minFiles, purge, maxBytes",
    )
    .default(false),
  logStore: z
    .custom<LogStore>(
      (value) => typeof (value as LogStore | null)?.over === "function",
      "must be a log store, such as dynamoDbLogStore()",
    )
    .optional(),
  catalog: z
    .custom<LakeCatalog>(
      (value) => typeof (value as LakeCatalog | null)?.register === "function",
      "must be a catalog, such as glueCatalog()",
    )
    .optional(),
  mergeMode: z.enum(["vectors", "rewrite"], 'must be "vectors" or "rewrite"').default("vectors"),
};

/**
 * A lake of Delta tables: one folder a table, readable by Spark, delta-rs, DuckDB and others. Loads arrive exactly once; each table's part
 * of a load is one commit. Options are checked, and the folder is touched, when a pipeline runs.
 *
 * @example
 * ```ts
 * const lake = pipeline({ name: "shop", source: shop, destination: delta({ url: "./lake" }) });
 * await lake.run();
 * ```
 */
export function delta(
  options: DeltaOptions,
): Destination<"append" | "replace" | "upsert" | "insertOnly" | "deleteInsert" | "scd2"> {
  return {
    specVersion: 1,
    name: "delta",
    runner,
    capabilities,
    async open(context) {
      const {
        store: bare,
        logStore,
        catalog,
        compression,
        targetFileBytes,
        mergeMode,
        optimize,
      } = checkLakeOptions(
        "delta",
        options,
        extra,
        // Nothing is committed by the store's own conditions then, so that it need not have any.
        (options as DeltaOptions | undefined)?.logStore === undefined ? {} : { conditionalPuts: false },
      );
      const store = logStore?.over(bare) ?? bare;
      const files: FileOptions = { compression, ...(targetFileBytes !== undefined && { targetFileBytes }) };
      const open = openLake({
        store,
        format: deltaFormatWith({ mode: mergeMode, files }),
        openWriter: (writerOptions) => openTableWriter(writerOptions, files),
        rewrite: rewriteWith(files),
      });
      const opened = await open(context);
      const session =
        catalog === undefined
          ? opened
          : (await import("./catalog.ts")).withCatalog(opened, store, context, catalog);
      if (optimize === false) return session;
      const how = {
        ...(optimize !== true && optimize),
        ...(targetFileBytes !== undefined && { targetBytes: targetFileBytes }),
      };
      return withOptimize(session, store, context, how as AutoOptimize & { targetBytes?: number });
    },
  };
}
