import type { DestinationSession, ObjectStore, OpenContext } from "@alluvium/core";
import { LOADS_TABLE } from "../lake/loads-table.ts";
import { tableDirectory } from "../lake/paths.ts";
import { afterLoads } from "./after-loads.ts";
import type { AutoOptimize } from "./options.ts";

const EVERY = 8;
const MIN_FILES = 16;
const PURGE = 0.25;
const MAX_BYTES = 256 << 20;

/** What the care for tables after loads works with. */
type Settings = AutoOptimize & { readonly targetBytes?: number };

/** A session whose loads are followed by some care for the tables that they wrote. */
export function withOptimize(
  session: DestinationSession,
  store: ObjectStore,
  context: OpenContext,
  settings: Settings,
): DestinationSession {
  const { every = EVERY } = settings;
  return afterLoads(session, context, {
    done: "optimized",
    *due({ tables, sequence }) {
      // One row a load makes one file a load there.
      for (const { table, version } of [...tables, { table: LOADS_TABLE, version: sequence }])
        if (version !== undefined && (version + 1) % every === 0) yield { table };
    },
    care: ({ table }) => optimize(store, context, settings, table),
  });
}

async function optimize(
  store: ObjectStore,
  { signal, budget, emit }: OpenContext,
  { minFiles = MIN_FILES, purge = PURGE, maxBytes = MAX_BYTES, targetBytes }: Settings,
  table: string,
): Promise<void> {
  const directory = tableDirectory(table);
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
}
