import type { Field, Schema } from "@alluvium/core";
import type { SqlDialect } from "./dialect.ts";
import { stagedColumns } from "./names.ts";
import type { StagedRows } from "./pending-table.ts";

/** Staged rows as one relation in brackets, with the columns of `schema`, in its order; a column that some rows lack is null there. */
export function unionOf(dialect: SqlDialect, staged: readonly StagedRows[], schema: Schema): string {
  return `(${staged.map((rows) => `select ${columnsOf(dialect, rows, schema)} from ${rows.segment.relation} as s`).join(" union all ")})`;
}

/**
 * Staged changes as one relation in brackets: the columns of `schema`, the op of each as `_alv_op`, its `_alv_number`, and `_alv_seq`, which grows
 * in the order in which they take effect. `after`: those after the last truncate only.
 */
export function changesOf(
  dialect: SqlDialect,
  staged: readonly StagedRows[],
  schema: Schema,
  options: { readonly after?: Truncation | undefined } = {},
): string {
  const names = (name: string): string => dialect.quote(name);
  const ordered = staged.some(({ form }) => form !== "rows");
  const { after } = options;
  const parts = staged.flatMap((rows) => {
    const { segment, form, stretch, ordinal } = rows;
    if (after !== undefined && stretch < after.stretch) return [];
    const [own, number] = [form !== "rows", `s.${names(stagedColumns.number)}`];
    const place = own ? `s.${names(stagedColumns.ordinal)}` : `cast(${ordinal} as bigint)`;
    const order = ordered
      ? `${stretch} as _alv_stretch, ${place} as _alv_place, ${number} as _alv_number`
      : `${number} as _alv_seq, ${number} as _alv_number`;
    const op = own ? `s.${names(stagedColumns.op)}` : "0";
    const later =
      after === undefined || stretch > after.stretch
        ? ""
        : ` where ${place} > ${after.ordinal} or (${place} = ${after.ordinal} and ${number} > ${after.number})`;
    return [
      `select ${columnsOf(dialect, rows, schema)}, ${op} as _alv_op, ${order} from ${segment.relation} as s${later}`,
    ];
  });
  if (parts.length === 0) return emptyChanges(dialect, schema);
  const all = parts.join(" union all ");
  if (!ordered) return `(${all})`;
  const columns = schema.fields.map(({ name }) => `u.${names(name)}`).join(", ");
  return `(select ${columns}, u._alv_op, u._alv_number, row_number() over (order by u._alv_stretch, u._alv_place, u._alv_number) as _alv_seq from (${all}) as u)`;
}

/** Where the last truncate of a load stands. */
export interface Truncation {
  readonly stretch: number;
  readonly ordinal: bigint;
  readonly number: bigint;
}

/** The last truncate of staged changes. */
export function truncationOf(staged: readonly StagedRows[]): Truncation | undefined {
  let last: Truncation | undefined;
  for (const { stretch, truncate } of staged)
    if (
      truncate !== undefined &&
      !(
        last !== undefined &&
        (last.stretch > stretch || (last.stretch === stretch && isBefore(truncate, last)))
      )
    )
      last = { stretch, ...truncate };
  return last;
}

function isBefore(a: Omit<Truncation, "stretch">, b: Omit<Truncation, "stretch">): boolean {
  return a.ordinal < b.ordinal || (a.ordinal === b.ordinal && a.number < b.number);
}

function columnsOf(dialect: SqlDialect, { schema: own }: StagedRows, { fields }: Schema): string {
  return fields.map((field) => columnOrNull(dialect, field, own)).join(", ");
}

function columnOrNull(dialect: SqlDialect, { name, type }: Field, own: Schema): string {
  const quoted = dialect.quote(name);
  return own.fields.some((field) => field.name === name)
    ? `s.${quoted}`
    : `cast(null as ${dialect.typeName(type)}) as ${quoted}`;
}

function emptyChanges(dialect: SqlDialect, schema: Schema): string {
  const nulls = schema.fields.map(
    ({ name, type }) => `cast(null as ${dialect.typeName(type)}) as ${dialect.quote(name)}`,
  );
  return `(select ${nulls.join(", ")}, 0 as _alv_op, cast(0 as bigint) as _alv_seq, cast(0 as bigint) as _alv_number where false)`;
}
