import type { Vector } from "./vector.ts";

/** The upper half of 2^53. */
const LIMIT = 2 ** 21;

/** Whether a column of `int64` has a value that a double may not hold: 2^53 or more, or less than -2^53. Rows without a value count as they are stored. */
export function exceedsDouble(vector: Vector): boolean {
  if (vector.layout === "dictionary") return exceedsDouble(vector.dictionary);
  if (vector.layout !== "fixed" || !(vector.values instanceof BigInt64Array)) return false;
  const { values } = vector;
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * vector.length);
  for (let i = 1; i < halves.length; i += 2) if (halves[i]! >= LIMIT || halves[i]! < -LIMIT) return true;
  return false;
}
