import {
  timeOrderedId,
  type DestinationSession,
  type LoadReceipt,
  type ObjectStore,
  type TablePlan,
} from "@alluvium/core";
import { concatBatches, rowsOf, type Batch } from "@alluvium/core/columns";
import { deltaFormatWith } from "../../../src/delta/format.ts";
import { deltaTable } from "../../../src/delta/table.ts";
import { rewriteWith } from "../../../src/lake/files/rewrite.ts";
import { openTableWriter } from "../../../src/lake/files/table-writer.ts";
import { stateWith, type LakeUnderTest } from "../../lake/lakes.ts";
import type { Row } from "../../lake/json-writer.ts";

/** Both ways in which merges take rows away. */
export const modes = ["vectors", "rewrite"] as const;

const files = { compression: "none" } as const;

/** The protocol with Delta tables that are merged into in one of the ways. */
export function mergeLake(mode: (typeof modes)[number]): LakeUnderTest {
  return {
    name: `Delta tables, ${mode}`,
    parts: {
      format: deltaFormatWith({ mode, files }),
      openWriter: (options) => openTableWriter(options, files),
      rewrite: rewriteWith(files),
    },
    read: readRows,
  };
}

/** What a reader sees, deletion vectors applied. */
export async function readTable(store: ObjectStore, table: string): Promise<Batch | undefined> {
  const batches = await Array.fromAsync(deltaTable({ store, path: table }).scan());
  return batches.length === 0 ? undefined : concatBatches(batches);
}

async function readRows(store: ObjectStore, table: string): Promise<readonly Row[]> {
  try {
    const batch = await readTable(store, table);
    return batch === undefined ? [] : (rowsOf(batch) as readonly Row[]);
  } catch (error) {
    if ((error as { code?: string }).code === "ALV_TABLE_NOT_FOUND") return [];
    throw error;
  }
}

/** Batches of one load, each in a stretch between sealed marks. */
export interface Written {
  readonly batch: Batch;
  readonly stretch: number;
}

/** One load of batches into one table; its stream ends with it. */
export async function mergeLoad(
  session: DestinationSession,
  plan: TablePlan,
  written: readonly (Written | Batch)[],
): Promise<LoadReceipt> {
  const loadId = timeOrderedId();
  await using load = await session.begin({ loadId, startedAt: new Date(), tables: [plan] });
  let stretch = 0;
  for (const one of written) {
    const { batch, stretch: next } = "batch" in one ? one : { batch: one, stretch };
    if (next !== stretch) await load.mark(plan.stream, { seal: true, end: false });
    stretch = next;
    await load.write(plan.table, batch);
  }
  await load.mark(plan.stream, { seal: true, end: true });
  return await load.commit(stateWith([plan], loadId, { [plan.stream]: null }));
}
