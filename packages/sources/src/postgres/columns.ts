import { AlluviumError, type ColumnType, type Field, type Schema } from "@alluvium/core";
import type { RelationColumn } from "./catalogue.ts";
import type { ColumnReader } from "./decode/block.ts";
import { identifier } from "./sql.ts";
import { planType, type PgType, type TypePlan, type TypePolicy } from "./types.ts";

/** One column of a read: what SQL asks for it, and how its values are decoded. */
export interface ColumnPlan {
  readonly field: Field;
  /** The server's type. */
  readonly pgType: number;
  /** The column as SQL, of the relation `t`. */
  readonly expression: string;
  readonly plan: TypePlan;
}

/** The columns of a read. */
export interface Selection {
  readonly columns: readonly ColumnPlan[];
  readonly schema: Schema;
}

/** Alias of what is read, in every statement. */
export const alias = "t";

/** A column of the relation that is read, as SQL. */
export function columnRef(name: string): string {
  return `${alias}.${identifier(name)}`;
}

/** Plans the columns of a relation or query. */
export function planColumns(
  columns: readonly RelationColumn[],
  types: ReadonlyMap<number, PgType>,
  policy: TypePolicy,
): Selection {
  const plans = columns.map((column): ColumnPlan => {
    const plan = planType(column.type, column.modifier, types, policy);
    const ref = columnRef(column.name);
    return {
      plan,
      pgType: column.type,
      expression: plan.expression === undefined ? ref : plan.expression(ref),
      field: {
        name: column.name,
        type: plan.type,
        nullable: column.nullable || (policy.special === "null" && mayBeSpecial(plan.type)),
      },
    };
  });
  return { columns: plans, schema: { fields: plans.map(({ field }) => field) } };
}

function mayBeSpecial(type: ColumnType): boolean {
  return type.kind === "decimal" || type.kind === "date" || type.kind === "timestamp";
}

/** Fresh readers for a selection: each COPY that runs beside others has its own. */
export function createReaders(
  selection: Selection,
  policy: TypePolicy,
  resource: string,
  nulled: Map<string, number>,
): readonly ColumnReader[] {
  return selection.columns.map(({ plan, field }) =>
    plan.reader({
      onSpecial(text) {
        if (policy.special !== "null") throw special(resource, field, text);
        nulled.set(field.name, (nulled.get(field.name) ?? 0) + 1);
      },
      onShape(text) {
        throw new AlluviumError(
          "ALV_VALUE_UNREPRESENTABLE",
          `${resource}, column "${field.name}": ${text} is no list. Remedy: arrays: "text" reads arrays as the server's text`,
          { resource, step: "read" },
        );
      },
    }),
  );
}

function special(resource: string, field: Field, text: string): AlluviumError {
  const { type } = field;
  const kind = type.kind === "decimal" ? `decimal(${type.precision}, ${type.scale})` : type.kind;
  return new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `${resource}, column "${field.name}": ${text} has no form as ${kind}. Remedy: special: "text" reads such columns as text, special: "null" puts null in its place`,
    { resource, step: "read" },
  );
}
