import type { Capabilities } from "@alluvium/core";
import type { SqlDatabase } from "../sql/engine.ts";
import { openConnection } from "./connect.ts";
import { duckdbConnection } from "./connection.ts";
import { checkOptions, type DuckDBOptions } from "./options.ts";
import { widensInPlace } from "./types.ts";

/** What the planner is told. */
export const capabilities: Capabilities = {
  abilities: ["append", "replace", "upsert", "insertOnly", "deleteInsert", "scd2"],
  delivery: "exactlyOnce",
  visibility: "load",
  foldsCase: true,
  partitions: false,
  releasesBatches: true,
  follows: true,
  storedType: (type) => type,
  widens: widensInPlace,
};

/** DuckDB for the session of SQL destinations. Options are checked when it connects. */
export function duckdbDatabase(options: DuckDBOptions): SqlDatabase {
  return {
    name: "duckdb",
    capabilities,
    async connect(context) {
      const checked = checkOptions(options);
      const { schema, staging } = checked;
      const owned = await openConnection(checked, context);
      try {
        return await duckdbConnection(owned, { schema, staging }, context);
      } catch (error) {
        await owned.close();
        throw error;
      }
    },
  };
}
