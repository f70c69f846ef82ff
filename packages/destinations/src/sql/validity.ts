import {
  AlluviumError,
  validityColumns,
  type Field,
  type Schema,
  type TablePlan,
  type Validity,
} from "@alluvium/core";

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
  if (disposition.kind !== "merge" || disposition.strategy !== "scd2") return undefined;
  return merge?.validity ?? { ...validityColumns, retireAbsent: false };
}

/** Refuses rows with columns that `scd2` adds itself. Throws `ALV_NAME_COLLISION`. */
export function refuseValidityNames(plan: TablePlan, { fields }: Schema): void {
  const validity = validityOf(plan);
  if (validity === undefined) return;
  const { from, to, active } = validity;
  const clash = fields.find(({ name }) => name === from || name === to || name === active);
  if (clash === undefined) return;
  throw new AlluviumError(
    "ALV_NAME_COLLISION",
    `the rows of table ${plan.table} have a column ${clash.name}, which is one of those that keep its history: rename it, or give that one another name (validFrom, validTo, active)`,
    { resource: plan.table },
  );
}

/** Columns that rows of a load bring themselves: those of validity are the destination's. */
export function ownColumns(plan: TablePlan, schema: Schema): Schema {
  const validity = validityOf(plan);
  if (validity === undefined) return schema;
  const { from, to, active } = validity;
  return { fields: schema.fields.filter(({ name }) => name !== from && name !== to && name !== active) };
}
