import type { ApplyContext, TableChange } from "../../lake/contract.ts";
import { writerFeatures } from "../log/protocol.ts";
import { loadState } from "../log/state.ts";
import { alterTable, createTable } from "./ddl.ts";
import { nextMetadata } from "./table-metadata.ts";

/** The statements that would do to the table's definition what `change` does. Throws what makes the change impossible. */
export async function previewTable(
  change: TableChange,
  { store, signal, load }: ApplyContext,
): Promise<readonly string[]> {
  const { table, directory } = change;
  const state = await loadState(store, directory, { verify: true, signal });
  const { schema, metadata, protocol } = nextMetadata(change, load, state, 0);
  if (state === undefined) return [createTable(table, schema, metadata.partitionColumns)];
  if (change.newColumns) return [createTable(table, schema, metadata.partitionColumns, { replace: true })];
  const known = new Set(writerFeatures(state.protocol));
  const features = writerFeatures(protocol).filter((feature) => !known.has(feature));
  return alterTable(table, state.schema, schema, features);
}
