import type { TablePlan, TablePreview } from "../destination.ts";
import { describeType } from "../schema/describe.ts";
import { sameType } from "../schema/equal.ts";
import type { Field, Schema } from "../schema/types.ts";
import { validityFields } from "./history-model.ts";
import { validityOf } from "./memory-staged.ts";

/** The statements that would bring a table to the columns of its plan. */
export function previewTable(plan: TablePlan, standing: Schema | undefined): TablePreview {
  const { table, restart } = plan;
  const validity = validityOf(plan);
  const fields = [...plan.schema.fields, ...(validity === undefined ? [] : validityFields(validity))].filter(
    ({ type }) => type.kind !== "null",
  );
  const name = quoted(table);
  const create = `CREATE TABLE ${name} (${fields.map(columnOf).join(", ")})`;
  if (standing === undefined) return { table, statements: fields.length === 0 ? [] : [create] };
  if (restart === "tables") return { table, statements: [`DROP TABLE ${name}`, create] };
  const known = new Map(standing.fields.map((field) => [field.name, field]));
  return {
    table,
    statements: fields.flatMap((field) => {
      const before = known.get(field.name);
      if (before === undefined || before.type.kind === "null")
        return [`ALTER TABLE ${name} ADD COLUMN ${columnOf(field)}`];
      if (sameType(before.type, field.type)) return [];
      return [`ALTER TABLE ${name} ALTER COLUMN ${quoted(field.name)} TYPE ${describeType(field.type)}`];
    }),
  };
}

function columnOf({ name, type, nullable }: Field): string {
  return `${quoted(name)} ${describeType(type)}${nullable ? "" : " NOT NULL"}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
