import { takeVector } from "../columns/take.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import { createKeyIndex, type KeyIndex } from "../merge/key-index.ts";
import { sameType } from "../schema/equal.ts";
import type { ColumnType } from "../schema/types.ts";
import { widenTypes } from "../schema/widen.ts";

/** Values of one or several columns that were seen. Their types may grow from batch to batch. */
export interface KeyValues {
  /** Adds the values of rows; says of each whether they were there, or in an earlier row. */
  add(columns: readonly Vector[]): Uint8Array;
  /** Says of each row whether its values are there. */
  has(columns: readonly Vector[]): Uint8Array;
  /** All values, one row each; several sets of columns where types do not compare. */
  values(): readonly (readonly Vector[])[];
  /** Bytes of memory held. */
  bytes(): number;
}

/** None yet. */
export function keyValues(): KeyValues {
  // One for each set of types that do not compare with one another.
  const indexes: KeyIndex[] = [];

  /** Where values of such types are kept. */
  function fitting(columns: readonly Vector[]): KeyIndex {
    const types = columns.map(({ type }) => type);
    for (const [at, index] of indexes.entries()) {
      const wide = index.types.map((type, i) => comparable(type, types[i]!));
      if (wide.some((type) => type === undefined)) continue;
      if (wide.every((type, i) => sameType(type!, index.types[i]!))) return index;
      const wider = createKeyIndex(wide as readonly ColumnType[], { expected: index.size });
      wider.add(index.keys());
      indexes[at] = wider;
      return wider;
    }
    const index = createKeyIndex(types);
    indexes.push(index);
    return index;
  }

  return {
    add(columns) {
      const there = new Uint8Array(columns[0]?.length ?? 0);
      const index = fitting(columns);
      let { size } = index;
      index.add(columns).forEach((entry, row) => {
        if (entry < size) there[row] = 1;
        else size = entry + 1;
      });
      return there;
    },
    has(columns) {
      const there = new Uint8Array(columns[0]?.length ?? 0);
      fitting(columns)
        .probe(columns)
        .forEach((entry, row) => {
          if (entry >= 0) there[row] = 1;
        });
      return there;
    },
    values: () => indexes.map((index) => index.keys()),
    bytes: () => indexes.reduce((sum, index) => sum + index.bytes(), 0),
  };
}

/** The type in which values of both compare exactly. */
function comparable(a: ColumnType, b: ColumnType): ColumnType | undefined {
  const wide = widenTypes(a, b);
  const isLong = [a, b].some(({ kind }) => kind === "int64" || kind === "decimal");
  return wide?.kind === "float64" && isLong ? undefined : wide;
}

/** The rows without a null in any of the columns that are counted, and their values. */
export function wholeRows(
  columns: readonly Vector[],
  length: number,
  isCounted: (row: number) => boolean,
): { readonly rows: Int32Array; readonly values: readonly Vector[] } {
  const rows: number[] = [];
  for (let row = 0; row < length; row++)
    if (isCounted(row) && columns.every((column) => column.layout !== "null" && isValid(column, row)))
      rows.push(row);
  if (rows.length === length) return { rows: Int32Array.from(rows), values: columns };
  const taken = Int32Array.from(rows);
  return { rows: taken, values: columns.map((column) => takeVector(column, taken)) };
}
