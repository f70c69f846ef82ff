import type { Vector } from "@alluvium/core/columns";

/**
 * Finds the rows of a batch whose first key column has the value of some key, where the batch is in its order, as tables often are: then a few
 * searches do for many keys that are not there. `undefined`: every row has to be looked at.
 */
export type SortedRows = (column: Vector) => Int32Array | undefined;

/** Searching pays while keys are fewer than one in so many rows. */
const SPARSE = 8;

/** A {@link SortedRows} for the values of keys; `undefined` for types that are not plain integers, and where keys may be null. */
export function sortedRows(keys: Vector): SortedRows | undefined {
  const words = wordsOf(keys);
  if (words === undefined) return undefined;
  const values = distinct(words);
  return (column) => {
    const rows = wordsOf(column);
    if (rows === undefined || rows.width !== values.width || rows.length === 0 || !isSorted(rows))
      return undefined;
    const first = firstAtLeast(values, 0, rows, 0);
    const end = firstAtLeast(values, first, rows, rows.length - 1);
    // The greatest value may be a key itself.
    const last = end < values.length && compare(values, end, rows, rows.length - 1) === 0 ? end + 1 : end;
    if ((last - first) * SPARSE > rows.length) return undefined;
    const found: number[] = [];
    let from = 0;
    for (let key = first; key < last; key++) {
      from = firstAtLeast(rows, from, values, key);
      while (from < rows.length && compare(rows, from, values, key) === 0) found.push(from++);
    }
    return Int32Array.from(found);
  };
}

/** Integers as 32-bit words, the lower one first. */
interface Words {
  readonly words: Int32Array;
  readonly width: 1 | 2;
  readonly length: number;
}

function wordsOf(vector: Vector): Words | undefined {
  if (vector.layout !== "fixed" || vector.nullCount > 0) return undefined;
  const { values, length, type } = vector;
  if (type.kind === "int32" || type.kind === "date") return { words: values as Int32Array, width: 1, length };
  if (type.kind !== "int64" && type.kind !== "timestamp") return undefined;
  return { words: new Int32Array(values.buffer, values.byteOffset, 2 * length), width: 2, length };
}

function compare(a: Words, i: number, b: Words, j: number): number {
  if (a.width === 1) return a.words[i]! - b.words[j]!;
  const top = a.words[2 * i + 1]! - b.words[2 * j + 1]!;
  return top === 0 ? (a.words[2 * i]! >>> 0) - (b.words[2 * j]! >>> 0) : top;
}

function isSorted(values: Words): boolean {
  const { words, width, length } = values;
  if (width === 1) {
    for (let i = 1; i < length; i++) if (words[i]! < words[i - 1]!) return false;
    return true;
  }
  for (let i = 1; i < length; i++) {
    const top = words[2 * i + 1]!;
    const before = words[2 * i - 1]!;
    if (top < before || (top === before && words[2 * i]! >>> 0 < words[2 * i - 2]! >>> 0)) return false;
  }
  return true;
}

/** From `from` on the first value that is not below one of another list: in steps that double, then by halves. */
function firstAtLeast(values: Words, from: number, other: Words, index: number): number {
  let step = 1;
  let low = from;
  while (low + step < values.length && compare(values, low + step, other, index) < 0) {
    low += step;
    step *= 2;
  }
  let high = Math.min(values.length, low + step);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(values, middle, other, index) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function distinct({ words, width, length }: Words): Words {
  if (width === 1) {
    const sorted = words.slice(0, length).sort();
    const unique = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
    return { words: unique, width, length: unique.length };
  }
  const sorted = new BigInt64Array(length);
  new Int32Array(sorted.buffer).set(words.subarray(0, 2 * length));
  sorted.sort();
  const unique = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  return { words: new Int32Array(unique.buffer), width, length: unique.length };
}
