import type { DestinationSession, ObjectStore, OpenContext } from "@alluvium/core";
import { LOADS_TABLE } from "../lake/loads-table.ts";
import { tableDirectory } from "../lake/paths.ts";
import { afterLoads } from "./after-loads.ts";
import { hiveType } from "./hive-type.ts";
import { loadState } from "./log/state.ts";

/** A place where engines look tables up, such as the Glue Data Catalog: see `glueCatalog` of `@alluvium/destinations/aws`. */
export interface LakeCatalog {
  /** Makes the catalog know a table as it stands. Called after loads; what it throws is a warning, and tried again after a later load. */
  register(table: CatalogTable, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** A table as catalogs know it. */
export interface CatalogTable {
  /** Its name in the lake. */
  readonly name: string;
  /** Where it is: `s3://bucket/prefix/name`. */
  readonly location: string;
  /** The id of the Delta table. */
  readonly id: string;
  /** The version that the columns are of. */
  readonly version: number;
  /** In their order, those of partitions too. */
  readonly columns: readonly CatalogColumn[];
  /** Names of the columns that it is partitioned by. */
  readonly partitionColumns: readonly string[];
}

/** A column as catalogs know it. */
export interface CatalogColumn {
  readonly name: string;
  /** In Hive's spelling: `bigint`, `decimal(18,2)`, `array<struct<a:int>>`. */
  readonly type: string;
}

/**
 * A session whose loads are followed by the registration of tables that a catalog does not know yet as they are: with the first load all of the pipeline,
 * later those whose columns changed or whose registration failed.
 */
export function withCatalog(
  session: DestinationSession,
  store: ObjectStore,
  context: OpenContext,
  catalog: LakeCatalog,
): DestinationSession {
  const { signal } = context;
  /** What is to be registered. */
  const due = new Set<string>([LOADS_TABLE]);

  async function register(name: string): Promise<void> {
    const directory = tableDirectory(name);
    const state = await loadState(store, directory, { signal });
    // It is parked, or has no column yet.
    if (state === undefined) return;
    const table: CatalogTable = {
      name,
      location: `${store.url.replace(/\/$/, "")}/${directory}`,
      id: state.metadata.id,
      version: state.version,
      columns: state.schema.fields.map((field) => ({ name: field.name, type: hiveType(field.type) })),
      partitionColumns: state.metadata.partitionColumns,
    };
    await catalog.register(table, { signal });
    due.delete(name);
  }

  const followed = afterLoads(session, context, {
    done: "registered in the catalog",
    *due({ tables }) {
      for (const { table, schemaChanges } of tables) if (schemaChanges !== undefined) due.add(table);
      for (const table of due) yield { table };
    },
    care: ({ table }) => register(table),
  });
  return {
    ...followed,
    async recover(options) {
      const state = await session.recover(options);
      for (const table of Object.keys(state?.tables ?? {})) due.add(table);
      return state;
    },
  };
}
