import { scalarReader, type Batch, type Vector } from "@alluvium/core/columns";

/** Rows with stored values: bigint for int64, decimals (unscaled), times; arrays and objects for lists and structs. */
export function rowsOfBatch(batch: Batch): Record<string, unknown>[] {
  const readers = batch.columns.map(storedReader);
  return Array.from({ length: batch.length }, (_, row) =>
    Object.fromEntries(batch.schema.fields.map(({ name }, i) => [name, readers[i]!(row)])),
  );
}

function storedReader(vector: Vector): (row: number) => unknown {
  const isNull = (row: number): boolean =>
    vector.nullCount > 0 && ((vector.validity![row >> 3]! >> (row & 7)) & 1) === 0;
  if (vector.layout === "list") {
    const child = storedReader(vector.child);
    const { offsets } = vector;
    return (row) =>
      isNull(row)
        ? null
        : Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, i) => child(offsets[row]! + i));
  }
  if (vector.layout === "struct") {
    const { type } = vector;
    const children = vector.children.map(storedReader);
    const names = type.kind === "struct" ? type.fields.map(({ name }) => name) : [];
    return (row) =>
      isNull(row) ? null : Object.fromEntries(children.map((child, i) => [names[i], child(row)]));
  }
  const read = scalarReader(vector);
  return (row) => read(row);
}
