import {
  AlluviumError,
  type DestinationSession,
  type Load,
  type ObjectStore,
  type OpenContext,
} from "@alluvium/core";
import { LOADS_TABLE } from "../lake/loads-table.ts";
import { tableDirectory } from "../lake/paths.ts";
import type { AutoOptimize } from "./options.ts";

const EVERY = 8;
const MIN_FILES = 16;
const PURGE = 0.25;
const MAX_BYTES = 256 << 20;

/** What the care for tables after loads works with. */
type Settings = AutoOptimize & { readonly targetBytes?: number };

/**
 * A session whose loads are followed by some care for the tables that they wrote. A load is committed and applied when the care begins;
 * whether it works or not, the load's receipt is the same.
 */
export function withOptimize(
  session: DestinationSession,
  store: ObjectStore,
  context: OpenContext,
  settings: Settings,
): DestinationSession {
  return {
    ...session,
    begin: async (...plan: Parameters<DestinationSession["begin"]>): Promise<Load> => {
      const load = await session.begin(...plan);
      const commit: Load["commit"] = async (...next) => {
        const receipt = await load.commit(...next);
        // One row a load makes one file a load there.
        const tables = [
          ...receipt.tables.map(({ table, version }) => ({ table, version })),
          { table: LOADS_TABLE, version: receipt.sequence },
        ];
        for (const { table, version } of tables)
          if (version !== undefined) await optimizeAfter(store, context, settings, table, version);
        return receipt;
      };
      return { ...load, commit };
    },
  };
}

async function optimizeAfter(
  store: ObjectStore,
  { signal, budget, emit }: OpenContext,
  { every = EVERY, minFiles = MIN_FILES, purge = PURGE, maxBytes = MAX_BYTES, targetBytes }: Settings,
  table: string,
  version: number,
): Promise<void> {
  if (signal.aborted || (version + 1) % every !== 0) return;
  const directory = tableDirectory(table);
  try {
    const target = { store, directory, url: `${store.url.replace(/\/$/, "")}/${directory}` };
    const options = {
      signal,
      budget: Math.floor(budget / 2),
      purge,
      maxBytes,
      ...(targetBytes !== undefined && { targetBytes }),
    };
    const { optimizeTable } = await import("./maintain/optimize.ts");
    const { versions, filesRemoved, filesAdded, rowsPurged } = await optimizeTable(target, options, minFiles);
    if (versions.length > 0)
      emit({ type: "tableOptimized", time: Date.now(), table, filesRemoved, filesAdded, rowsPurged });
  } catch (error) {
    // The load stands; a run that was aborted meanwhile notices by itself.
    if (signal.aborted) return;
    emit({
      type: "warning",
      time: Date.now(),
      code: AlluviumError.is(error) ? error.code : undefined,
      table,
      message: `table ${table} could not be optimized after the load, which is committed: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}
