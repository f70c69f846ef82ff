import { rowsOf } from "@alluvium/core/columns";
import { AlluviumError } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { suiteDestination } from "@alluvium/core/testing";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { historyTest } from "./history-test.ts";
import type { SourceRow } from "./history.ts";

for (const mergeMode of ["vectors", "rewrite"] as const)
  historyTest({
    name: `delta, ${mergeMode}`,
    capabilities: delta({ store: memoryStore() }).capabilities,
    open: async () => {
      const store = memoryStore();
      return suiteDestination(delta({ store, mergeMode }), async (table) => {
        const rows: SourceRow[] = [];
        try {
          const snapshot = await deltaTable({ store, path: table }).snapshot();
          for await (const batch of snapshot.scan())
            rows.push(...rowsOf<Record<string, unknown>>(batch, { timestamps: "micros" }));
        } catch (error) {
          if (!AlluviumError.is(error) || error.code !== "ALV_TABLE_NOT_FOUND") throw error;
        }
        return rows;
      });
    },
  });
