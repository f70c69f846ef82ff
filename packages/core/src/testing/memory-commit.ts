import { randomUUID } from "node:crypto";
import { batchBytes } from "../columns/size.ts";
import type { Batch } from "../columns/batch.ts";
import type { RowCounts, TablePlan, TableReceipt } from "../destination.ts";
import { abilityOf, windowOf } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { conformBatch } from "../schema/conform.ts";
import type { Schema } from "../schema/types.ts";
import { keepHistory, validityFields } from "./history-model.ts";
import { grown, validityOf, type StagedTable } from "./memory-staged.ts";
import type { MemoryStore, MemoryTable } from "./memory-store.ts";
import { without } from "./memory-window.ts";
import { mergeRows } from "./merge-model.ts";
import { modelChanges, type WrittenBatch } from "./model-changes.ts";
import { batchOfRows, modelRows } from "./model-rows.ts";

/** A table as a commit will leave it; nothing has happened yet. */
export interface CommittedTable {
  readonly table: MemoryTable;
  readonly receipt: TableReceipt;
}

/** What a commit makes of a table and what is sealed for it. Throws what is wrong with the rows. */
export function committedTable(staged: StagedTable, store: MemoryStore, now: number): CommittedTable {
  const { plan, restart } = staged;
  const standing = store.tables.get(plan.table);
  const found = restart === "tables" ? undefined : standing;
  const validity = validityOf(plan);
  const own = new Set(validity === undefined ? [] : validityFields(validity).map(({ name }) => name));
  const columns = grown(staged.schema, found && withoutNames(found.schema, own));
  const schema =
    validity === undefined ? columns : { fields: [...columns.fields, ...validityFields(validity)] };
  const written = staged.sealed.map(({ batch, stretch }) => ({
    batch: conformBatch(batch, columns, { table: plan.table }),
    stretch,
  }));
  const before = (restart === undefined ? (found?.batches ?? []) : []).map((batch) =>
    conformBatch(batch, schema),
  );
  const { batches, counts } =
    plan.disposition.kind === "merge"
      ? merged(plan, before, written, columns, schema, now)
      : { batches: placed(plan, before, written), counts: undefined };
  const version = (standing?.version ?? -1) + 1;
  return {
    table: {
      id: standing?.id ?? randomUUID(),
      schema,
      batches: batches.filter(({ length }) => length > 0),
      version,
    },
    receipt: {
      table: plan.table,
      rows: written.reduce((sum, { batch }) => sum + batch.length, 0),
      bytes: written.reduce((sum, { batch }) => sum + batchBytes(batch), 0),
      files: 0,
      version,
      operation: abilityOf(plan.disposition),
      ...(counts !== undefined && { changed: counts }),
    },
  };
}

/** Appends or replaces. */
function placed(
  { disposition }: TablePlan,
  before: readonly Batch[],
  written: readonly WrittenBatch[],
): readonly Batch[] {
  const where = windowOf(disposition);
  const kept =
    where !== undefined
      ? before.map((batch) => without(batch, where))
      : disposition.kind === "replace"
        ? []
        : before;
  return [...kept, ...written.map(({ batch }) => batch)];
}

function merged(
  plan: TablePlan,
  before: readonly Batch[],
  written: readonly WrittenBatch[],
  columns: Schema,
  schema: Schema,
  now: number,
): { readonly batches: readonly Batch[]; readonly counts: RowCounts } {
  const rows = before.flatMap(modelRows);
  const changes = modelChanges(written, plan);
  const { rows: after, counts } =
    validityOf(plan) === undefined
      ? mergeRows(rows, changes, plan)
      : keepHistory(rows, changes, { plan, schema: columns, now: BigInt(now) * 1000n });
  return { batches: [batchOfRows(after, schema)], counts };
}

function withoutNames({ fields }: Schema, names: ReadonlySet<string>): Schema {
  return { fields: fields.filter(({ name }) => !names.has(name)) };
}

/** Refuses to empty a table without consent. */
export function refuseEmpty({ plan, sealed }: StagedTable, store: MemoryStore): void {
  const { disposition } = plan;
  if (disposition.kind !== "replace" || disposition.allowEmpty) return;
  const rows = sealed.reduce((sum, { batch }) => sum + batch.length, 0);
  if (rows === 0 && store.tables.has(plan.table))
    throw new AlluviumError("ALV_EMPTY_REPLACE", `no rows came for ${plan.table}, which would be emptied`);
}
