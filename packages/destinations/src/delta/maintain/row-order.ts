import { Buffer } from "node:buffer";
import { compareScalars, isValid, scalarReader, type Batch, type Vector } from "@alluvium/core/columns";

/** Orders row `i` of one batch and row `j` of another one of the same schema. */
export type RowOrder = (i: number, j: number) => number;

/** The order of rows by columns, by their indexes in the schema: the first one counts most, nulls come first. */
export function rowOrder(a: Batch, b: Batch, columns: readonly number[]): RowOrder {
  const orders = columns.map((index) => valueOrder(a.columns[index]!, b.columns[index]!));
  const [first] = orders;
  if (orders.length === 1 && first !== undefined) return first;
  return (i, j) => {
    for (const order of orders) {
      const result = order(i, j);
      if (result !== 0) return result;
    }
    return 0;
  };
}

function valueOrder(a: Vector, b: Vector): RowOrder {
  const compare = plainOrder(a, b);
  if (a.nullCount === 0 && b.nullCount === 0) return compare;
  return (i, j) => {
    const left = isValid(a, i);
    const right = isValid(b, j);
    return left && right ? compare(i, j) : Number(left) - Number(right);
  };
}

function plainOrder(a: Vector, b: Vector): RowOrder {
  if (a.layout === "null" || b.layout === "null") return () => 0;
  if (a.layout === "bytes" && b.layout === "bytes") {
    // Text compares by its bytes, which saves making it.
    const left = Buffer.from(a.data.buffer, a.data.byteOffset, a.data.byteLength);
    const { data, offsets: to } = b;
    const { offsets: from } = a;
    return (i, j) => left.compare(data, to[j]!, to[j + 1]!, from[i]!, from[i + 1]!);
  }
  const left = scalarReader(a);
  const right = scalarReader(b);
  return (i, j) => compareScalars(left(i)!, right(j)!);
}
