import { AlluviumError, type Field, type Schema, type TablePlan, type Validity } from "@alluvium/core";
import { ChangeOp, type Batch } from "@alluvium/core/columns";
import type { TableChange } from "./contract.ts";

/** Below every ordinal: rows that no change comes before. */
export const NO_ORDINAL: bigint = -(2n ** 63n);

/** The greatest ordinal of a batch, or `before`. */
export function greatestOrdinal({ changes, length }: Batch, before: bigint): bigint {
  let greatest = before;
  if (changes !== undefined)
    for (let row = 0; row < length; row++)
      if (changes.ordinals[row]! > greatest) greatest = changes.ordinals[row]!;
  return greatest;
}

/**
 * Whether whole rows of the table can be written at once as data files whose order is that of the rows of each key: equal keys share a
 * partition and so a sequence of files. Histories never can, since the time at which a version begins is known only when it is committed.
 */
export function staysInOrder({ disposition, partitionBy, primaryKey }: TablePlan): boolean {
  if (disposition.kind !== "merge") return true;
  return disposition.strategy !== "scd2" && partitionBy.every(({ column }) => primaryKey.includes(column));
}

/** Refuses changes where no merge folds them, and a truncate where others have rows too. */
export function refuseChanges(
  { table, disposition }: TablePlan,
  { changes, length }: Batch,
  ownership: TableChange["ownership"],
): void {
  if (changes === undefined) return;
  if (disposition.kind !== "merge")
    throw new AlluviumError(
      "ALV_INTERNAL",
      `table ${table} is not merged into, but a batch of changes came for it`,
      { resource: table },
    );
  if (
    disposition.strategy === "deleteInsert" &&
    changes.unchanged?.some((bits) => bits?.some((byte) => byte !== 0))
  )
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `table ${table}: deleteInsert takes whole rows, and a change came of which cells were not sent: merge with upsert, or have the source send whole rows`,
      { resource: table },
    );
  if (ownership === "shared" && changes.ops.subarray(0, length).includes(ChangeOp.truncate))
    throw new AlluviumError(
      "ALV_TABLE_FOREIGN",
      `table ${table} is shared with other pipelines, so that it cannot be truncated: leave truncates out at the source, or use a table of its own`,
      { resource: table },
    );
}

const instant = { kind: "timestamp", zone: "utc" } as const;

/** A schema with the columns of validity, where versions are kept. */
export function withValidity(schema: Schema, validity: Validity | undefined): Schema {
  if (validity === undefined || schema.fields.length === 0) return schema;
  const fields: readonly Field[] = [
    { name: validity.from, type: instant, nullable: false },
    { name: validity.to, type: instant, nullable: true },
    { name: validity.active, type: { kind: "boolean" }, nullable: false },
  ];
  return {
    fields: [
      ...schema.fields,
      ...fields.filter(({ name }) => !schema.fields.some((field) => field.name === name)),
    ],
  };
}
