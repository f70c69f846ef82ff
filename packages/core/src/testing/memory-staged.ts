import type { Batch } from "../columns/batch.ts";
import type { TablePlan } from "../destination.ts";
import { validityColumns, type Validity } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import type { Schema } from "../schema/types.ts";
import { validityFields } from "./history-model.ts";
import type { WrittenBatch } from "./model-changes.ts";

/** What a session has staged for one table and not yet committed. */
export interface StagedTable {
  readonly plan: TablePlan;
  /** The columns of what was written, the newest types. */
  schema: Schema;
  /** What was written before the last sealed mark, in the order of writing. */
  sealed: WrittenBatch[];
  /** What was written after it. */
  open: Batch[];
  /** Number of the present stretch between two sealed marks. */
  stretch: number;
  /** What the first commit takes away, until it has. */
  restart: TablePlan["restart"];
}

/** A table at the start of a load: what is not committed is carried over, and a restart is done once in a session. */
export function stagedTable(plan: TablePlan, before: StagedTable | undefined): StagedTable {
  refuseValidityNames(plan, plan.schema);
  return {
    plan,
    schema: grown(plan.schema, before?.schema),
    sealed: before?.sealed ?? [],
    open: before?.open ?? [],
    stretch: before?.stretch ?? 0,
    restart: before === undefined ? plan.restart : before.restart,
  };
}

/** How the versions of a plan's table are kept; `undefined` where it keeps none. */
export function validityOf({ disposition, merge }: TablePlan): Validity | undefined {
  if (disposition.kind !== "merge" || disposition.strategy !== "scd2") return undefined;
  return merge?.validity ?? { ...validityColumns, retireAbsent: false };
}

/** Refuses columns that `scd2` adds itself. */
export function refuseValidityNames(plan: TablePlan, { fields }: Schema): void {
  const validity = validityOf(plan);
  if (validity === undefined) return;
  const own = validityFields(validity).map(({ name }) => name);
  for (const { name } of fields)
    if (own.includes(name))
      throw new AlluviumError(
        "ALV_NAME_COLLISION",
        `table ${plan.table} has a column ${name}, and its history is kept in a column of that name: rename one of them (validFrom, validTo, active)`,
      );
}

/** The columns of `schema`, then those that only `other` has. */
export function grown(schema: Schema, other: Schema | undefined): Schema {
  if (other === undefined || other === schema) return schema;
  const names = new Set(schema.fields.map(({ name }) => name));
  const more = other.fields.filter(({ name }) => !names.has(name));
  return more.length === 0 ? schema : { fields: [...schema.fields, ...more] };
}
