import { bitAt } from "../columns/bitmap.ts";
import { columnOf, type Batch } from "../columns/batch.ts";
import { concatVectors } from "../columns/concat.ts";
import { materialize } from "../columns/dictionary.ts";
import { nullVector } from "../columns/null-vector.ts";
import { isScalar, scalarAt, type Scalar } from "../columns/scalar.ts";
import { takeVector } from "../columns/take.ts";
import { formatScalar } from "../columns/text.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import { castVector } from "../columns/cast.ts";
import type { Schema } from "../schema/types.ts";

/** One value of a row: where it stands. */
interface Cell {
  readonly vector: Vector;
  readonly row: number;
}

/** A row as a record of its cells; one that is not there is null. Nothing is converted, so that no value loses anything. */
export type ModelRow = ReadonlyMap<string, Cell>;

/** The rows of a batch. Cells that a change does not hold are left out. */
export function modelRows(batch: Batch): ModelRow[] {
  const { schema, columns, changes } = batch;
  return Array.from({ length: batch.length }, (_, row) => {
    const cells = new Map<string, Cell>();
    for (const [i, { name }] of schema.fields.entries()) {
      const unsent = changes?.unchanged?.[i];
      if (unsent === undefined || !bitAt(unsent, row)) cells.set(name, { vector: columns[i]!, row });
    }
    return cells;
  });
}

/** Rows as a batch with the columns of `schema`. */
export function batchOfRows(rows: readonly ModelRow[], schema: Schema): Batch {
  const columns = schema.fields.map(({ name, type }) => {
    const vectors = new Map<Vector, number>();
    let size = 0;
    for (const row of rows) {
      const cell = row.get(name);
      if (cell === undefined || vectors.has(cell.vector)) continue;
      vectors.set(cell.vector, size);
      size += cell.vector.length;
    }
    if (vectors.size === 0) return nullVector(type, rows.length);
    const all = concatVectors(
      Array.from(vectors.keys(), (vector) => materialize(castVector(vector, type, name))),
    );
    const indexes = Int32Array.from(rows, (row) => {
      const cell = row.get(name);
      return cell === undefined ? -1 : vectors.get(cell.vector)! + cell.row;
    });
    return takeVector(all, indexes);
  });
  return { schema, length: rows.length, columns };
}

/** A value of a row, null where it has none. */
export function valueOf(row: ModelRow, column: string): Scalar | null {
  const cell = row.get(column);
  if (cell === undefined || !isScalar(cell.vector.type)) return null;
  return scalarAt(cell.vector, cell.row);
}

/** The values of some columns as one text: equal where they are. */
export function keyText(row: ModelRow, columns: readonly string[]): string {
  return JSON.stringify(
    columns.map((column) => {
      const value = valueOf(row, column);
      if (value === null) return null;
      return formatScalar(row.get(column)!.vector.type, Object.is(value, -0) ? 0 : value);
    }),
  );
}

/** The old key of a row that moved, as a row of key cells; `undefined` where it did not. */
export function oldKeyOf(
  { changes }: Batch,
  row: number,
  primaryKey: readonly string[],
): ModelRow | undefined {
  const keys = changes?.oldKeys;
  const first = keys && columnOf(keys, primaryKey[0]!);
  if (first === undefined || !isValid(first, row)) return undefined;
  return new Map(primaryKey.map((name) => [name, { vector: columnOf(keys!, name)!, row }]));
}
