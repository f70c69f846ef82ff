import type { Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import * as z from "zod";
import { rewriteWith } from "../lake/files/rewrite.ts";
import { openTableWriter, type FileOptions } from "../lake/files/table-writer.ts";
import { openLake } from "../lake/lake.ts";
import { checkLakeOptions } from "../lake/options.ts";
import { capabilities, deltaFormatWith } from "./format.ts";
import type { DeltaOptions } from "./options.ts";

const extra = {
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
      const { store, compression, targetFileBytes, mergeMode } = checkLakeOptions("delta", options, extra);
      const files: FileOptions = { compression, ...(targetFileBytes !== undefined && { targetFileBytes }) };
      const open = openLake({
        store,
        format: deltaFormatWith({ mode: mergeMode, files }),
        openWriter: (writerOptions) => openTableWriter(writerOptions, files),
        rewrite: rewriteWith(files),
      });
      return open(context);
    },
  };
}
