import type { Field, Schema, TablePlan, Validity } from "@alluvium/core";

const instant = { kind: "timestamp", zone: "utc" } as const;

/** The columns that say when a version of a row holds. */
export function validityFields({ from, to, active }: Validity): readonly Field[] {
  return [
    { name: from, type: instant, nullable: false },
    { name: to, type: instant, nullable: true },
    { name: active, type: { kind: "boolean" }, nullable: false },
  ];
}

/** How a plan keeps the versions of its rows; `undefined` where it keeps none. */
export function validityOf({ disposition, merge }: TablePlan): Validity | undefined {
  return disposition.kind === "merge" && disposition.strategy === "scd2" ? merge?.validity : undefined;
}

/** Columns that rows of a load bring themselves: those of validity are the destination's. */
export function ownColumns(plan: TablePlan, schema: Schema): Schema {
  const validity = validityOf(plan);
  if (validity === undefined) return schema;
  const { from, to, active } = validity;
  return { fields: schema.fields.filter(({ name }) => name !== from && name !== to && name !== active) };
}
