import type { TableReceipt } from "@alluvium/core";
import { applyChange, identityOf, isPoison, reasonOf, type ApplyOutcome } from "./apply-change.ts";
import { closing } from "./closing.ts";
import type { LakeContext } from "./context.ts";
import type { DataFile, TableChange } from "./contract.ts";
import { LOADS_TABLE, loadsBatch, loadsSchema } from "./loads-table.ts";
import type { Manifest } from "./manifest.ts";

/** Bytes of buffer for the one small file of a load. */
const BUDGET = 1_048_576;
/** Several pipelines may create the table at once; the one that comes second finds it. */
const ATTEMPTS = 3;

/**
 * Adds a load to the table of loads: the last of its tables, since it tells their versions, which are those of the actual commits.
 * Its file holds nothing that is not in the manifest or in those commits. A table that an older version made gets the columns that it lacks.
 */
export async function applyLoads(
  context: LakeContext,
  manifest: Manifest,
  receipts: readonly TableReceipt[],
): Promise<ApplyOutcome> {
  const { store, format, signal } = context;
  const fixed = format.place(manifest.loadsFile, {});
  const final = `${LOADS_TABLE}/${fixed.final}`;
  if (fixed.staged !== fixed.final && (await store.head(final, { signal })) !== undefined) {
    // Whoever revealed it may have been killed before it could sync.
    await store.sync([final], { signal });
    return {};
  }
  const settled = manifest.settled.flatMap(({ receipt }) => (receipt === undefined ? [] : [receipt]));
  const row = { ...manifest, tables: [...receipts, ...settled] };
  let outcome: ApplyOutcome = {};
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const found = context.loadsTable ?? (await format.inspect(LOADS_TABLE, { store, signal }))?.id;
      const tableId = found ?? crypto.randomUUID();
      const file = await writeRow(context, row, fixed);
      const change: TableChange = {
        table: LOADS_TABLE,
        directory: LOADS_TABLE,
        tableId,
        create: found === undefined,
        operation: { kind: "append" },
        schema: loadsSchema,
        schemaChanged: false,
        partitionBy: [],
        files: [file],
        obsolete: [],
        ownership: "shared",
      };
      outcome = await applyChange(context, identityOf(manifest), change);
      // Dropped, made by another pipeline at the same time, or just remembered wrongly: looked at once more.
      context.loadsTable = "parked" in outcome ? undefined : tableId;
      if (!("parked" in outcome)) return outcome;
    } catch (error) {
      if (!isPoison(error)) throw error;
      outcome = { parked: reasonOf(error) };
    }
  }
  return outcome;
}

async function writeRow(
  context: LakeContext,
  row: Parameters<typeof loadsBatch>[0],
  fixed: { readonly staged: string; readonly final: string },
): Promise<DataFile> {
  const { store, format, pipeline } = context;
  // Whoever applies the load writes its own file. Where it becomes visible by a change of name, the visible one is that of the manifest: with
  // another one a second apply would double the row.
  const own = format.place(crypto.randomUUID(), {});
  const place = fixed.staged === fixed.final ? own : { staged: own.staged, final: fixed.final };
  const writer = context.openWriter({
    store,
    directory: LOADS_TABLE,
    table: LOADS_TABLE,
    place: () => place,
    partitionBy: [],
    schema: loadsSchema,
    budget: BUDGET,
    keyValueMetadata: { "alluvium.pipeline": pipeline.pipeline, "alluvium.lane": pipeline.lane },
    newId: () => crypto.randomUUID(),
    // Housekeeping is not what a user wants to follow.
    emit: () => {},
  });
  const [file] = await closing(writer, async () => {
    await writer.write(loadsBatch(row), { signal: context.signal });
    return writer.seal();
  });
  await store.sync([`${LOADS_TABLE}/${place.staged}`]);
  return file!;
}
