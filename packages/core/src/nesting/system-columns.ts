import type { Batch } from "../columns/batch.ts";
import type { FixedVector, Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import type { Field } from "../schema/types.ts";
import { contentIds, derivedIds, placedIds } from "./ids.ts";
import type { SplitTable } from "./split.ts";

/** The id of a row, in the root and in child tables. */
export const rowId = "_alv_row_id";
/** The id of the row in whose list a child table's row stood. */
export const parentId = "_alv_parent_id";
/** The id of the root's row in which it stood. */
export const rootId = "_alv_root_id";
/** Its place in the list, from 0. */
export const listIndex = "_alv_index";

/** The system column of a root whose nested values are child tables. Nullable, since rows that only delete have no id to speak of. */
export const rootFields: readonly Field[] = [{ name: rowId, type: { kind: "uuid" }, nullable: true }];

/** The system columns of child tables. */
export const childFields: readonly Field[] = [
  ...[rowId, parentId, rootId].map((name): Field => ({ name, type: { kind: "uuid" }, nullable: false })),
  { name: listIndex, type: { kind: "int64" }, nullable: false },
];

/** How rows get their ids. */
export type IdRule =
  /** By what they hold (`contentIds`): for merges, where rows are read again and take the place of others. */
  | { readonly by: "content" }
  /** By their place (`placedIds`) in a load of the resource `scope`. `take` gives the number of a table's next row, and moves it on by `rows`. */
  | {
      readonly by: "place";
      readonly loadId: string;
      readonly scope: string;
      readonly take: (table: string, rows: number) => number;
    };

/** A table's share of a batch, with its system columns. */
export interface NestedBatch {
  readonly table: SplitTable;
  readonly batch: Batch;
}

/** The tables of a split batch with the columns that tie them together: first in child tables, last in the root. */
export function withSystemColumns(
  tables: readonly SplitTable[],
  changes: Batch["changes"],
  rule: IdRule,
): readonly NestedBatch[] {
  const ids = new Map<SplitTable, FixedVector>();
  return tables.map((table): NestedBatch => {
    const { parent, schema, columns, length, parents, roots, index } = table;
    refuseOwnNames(table);
    const root = ids.get(tables[0]!);
    const own =
      rule.by === "place"
        ? placedIds(rule.loadId, `${rule.scope}\n${table.path}`, rule.take(table.path, length), length)
        : root === undefined
          ? contentIds(tables)
          : derivedIds(table, root);
    ids.set(table, own);
    if (parent === undefined || root === undefined)
      return {
        table,
        batch: {
          schema: { fields: [...schema.fields, ...rootFields] },
          length,
          columns: [...columns, own],
          changes,
        },
      };
    const place: Vector = {
      layout: "fixed",
      type: { kind: "int64" },
      length,
      nullCount: 0,
      validity: undefined,
      values: index,
    };
    return {
      table,
      batch: {
        schema: { fields: [...childFields, ...schema.fields] },
        length,
        columns: [own, references(parents, ids.get(parent)!), references(roots, root), place, ...columns],
      },
    };
  });
}

/** Ids by reference: each is stored once, however many rows name it. */
function references(rows: Int32Array, ids: FixedVector): Vector {
  const { length } = rows;
  return {
    layout: "dictionary",
    type: ids.type,
    length,
    nullCount: 0,
    validity: undefined,
    codes: rows,
    dictionary: ids,
  };
}

function refuseOwnNames({ path, parent, schema }: SplitTable): void {
  const own = parent === undefined ? rootFields : childFields;
  const taken = schema.fields.find(({ name }) => own.some((field) => field.name === name));
  if (taken !== undefined)
    throw new AlluviumError(
      "ALV_NAME_COLLISION",
      `${path === "" ? "the rows have" : `the elements of ${path} have`} a column ${taken.name}, which child tables need for themselves; rename it in map()`,
    );
}
