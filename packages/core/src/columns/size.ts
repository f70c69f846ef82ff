import type { Batch } from "./batch.ts";
import { fixedStride } from "./builder.ts";
import type { Vector } from "./vector.ts";

/** Bytes of memory that the rows of a vector use: what of its arrays counts, not what was allocated for them. */
export function vectorBytes(vector: Vector): number {
  return rangeBytes(vector, 0, vector.length);
}

/** Bytes of memory that the rows of a batch use, its changes included. */
export function batchBytes(batch: Batch): number {
  let sum = 0;
  for (const column of batch.columns) sum += vectorBytes(column);
  if (batch.changes !== undefined) {
    sum += 9 * batch.length;
    if (batch.changes.oldKeys !== undefined) sum += batchBytes(batch.changes.oldKeys);
  }
  return sum;
}

function rangeBytes(vector: Vector, start: number, end: number): number {
  const length = end - start;
  const validity = vector.validity === undefined ? 0 : (length + 7) >> 3;
  switch (vector.layout) {
    case "null":
      return 0;
    case "boolean":
      return validity + ((length + 7) >> 3);
    case "fixed":
      return validity + length * fixedStride(vector.type) * vector.values.BYTES_PER_ELEMENT;
    case "bytes":
      return validity + 4 * (length + 1) + vector.offsets[end]! - vector.offsets[start]!;
    case "list":
      return (
        validity + 4 * (length + 1) + rangeBytes(vector.child, vector.offsets[start]!, vector.offsets[end]!)
      );
    case "map":
      return (
        validity +
        4 * (length + 1) +
        rangeBytes(vector.keys, vector.offsets[start]!, vector.offsets[end]!) +
        rangeBytes(vector.values, vector.offsets[start]!, vector.offsets[end]!)
      );
    case "struct":
      return vector.children.reduce((sum, child) => sum + rangeBytes(child, start, end), validity);
    case "dictionary":
      return validity + 4 * length + vectorBytes(vector.dictionary);
  }
}
