import { bitAt } from "./bitmap.ts";
import { takeVector } from "./take.ts";
import { isValid, type Vector } from "./vector.ts";

/** The marked rows of a vector; the others are null. */
export function onlyRows(vector: Vector, marked: Uint8Array): Vector {
  return takeVector(
    vector,
    Int32Array.from({ length: vector.length }, (_, row) => (bitAt(marked, row) ? row : -1)),
  );
}

/** Marks a row in a bitmap, which is made where there is none yet. */
export function mark(bits: Uint8Array | undefined, row: number, length: number): Uint8Array {
  const marked = bits ?? new Uint8Array((length + 7) >> 3);
  marked[row >> 3]! |= 1 << (row & 7);
  return marked;
}

/** The rows that have a value. */
export function validRows(vector: Vector): Uint8Array {
  const bits = new Uint8Array((vector.length + 7) >> 3);
  for (let row = 0; row < vector.length; row++) if (isValid(vector, row)) mark(bits, row, vector.length);
  return bits;
}
