import { countOnes } from "../columns/bitmap.ts";
import type { Vector } from "../columns/vector.ts";

/** A vector that is null where `parent` is, too: what stands in a null slot of a struct's members is unspecified. */
export function maskedBy(vector: Vector, parent: Vector): Vector {
  const { length } = vector;
  if (parent.nullCount === 0 || vector.nullCount === length) return vector;
  const mask = parent.validity ?? new Uint8Array((length + 7) >> 3);
  const validity = new Uint8Array((length + 7) >> 3);
  for (let i = 0; i < validity.length; i++) validity[i] = mask[i]! & (vector.validity?.[i] ?? 0xff);
  const nullCount = length - countOnes(validity, 0, length);
  return { ...vector, validity: nullCount === 0 ? undefined : validity, nullCount } as Vector;
}

/** The rows of `parent` in which none of `members` has a value, as a bitmap; `undefined`: there are none. */
export function hollowRows(parent: Vector, members: readonly Vector[]): Uint8Array | undefined {
  const { length } = parent;
  if (length === 0 || members.some(({ nullCount }) => nullCount === 0)) return undefined;
  const rows = parent.validity?.slice(0, (length + 7) >> 3) ?? ones(length, parent.nullCount > 0);
  for (const { validity } of members)
    if (validity !== undefined) for (let i = 0; i < rows.length; i++) rows[i]! &= ~validity[i]!;
  return countOnes(rows, 0, length) === 0 ? undefined : rows;
}

function ones(length: number, allNull: boolean): Uint8Array {
  return new Uint8Array((length + 7) >> 3).fill(allNull ? 0 : 0xff);
}

/** A column that is true in the marked rows and null in the others; of unknown type where there are none. */
export function markVector(rows: Uint8Array | undefined, length: number): Vector {
  if (rows === undefined)
    return { layout: "null", type: { kind: "null" }, length, nullCount: length, validity: undefined };
  return {
    layout: "boolean",
    type: { kind: "boolean" },
    length,
    nullCount: length - countOnes(rows, 0, length),
    validity: rows,
    values: rows,
  };
}
