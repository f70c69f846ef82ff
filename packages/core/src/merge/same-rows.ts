import { bitAt } from "../columns/bitmap.ts";
import { fixedStride } from "../columns/builder.ts";
import { materialize } from "../columns/dictionary.ts";
import { isValid, type FixedValues, type Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";

/** Whether row `a` of one vector and row `b` of another hold the same value. */
export type SameValue = (a: number, b: number) => boolean;

/**
 * Compares rows of two vectors of one type by value: nulls are equal, `-0` and `0` are, NaN and NaN are, JSON is compared by its text, lists
 * and maps by their elements in order.
 */
export function sameValues(left: Vector, right: Vector): SameValue {
  const same = compareValid(materialize(left), materialize(right));
  if (left.nullCount === 0 && right.nullCount === 0) return same;
  return (a, b) => {
    const there = isValid(left, a);
    return there === isValid(right, b) && (!there || same(a, b));
  };
}

function compareValid(left: Vector, right: Vector): SameValue {
  if (left.layout === "null" || right.layout === "null") return () => true;
  if (left.layout === "boolean" && right.layout === "boolean")
    return (a, b) => bitAt(left.values, a) === bitAt(right.values, b);
  if (left.layout === "fixed" && right.layout === "fixed")
    return compareFixed(left.values, right.values, fixedStride(left.type));
  if (left.layout === "bytes" && right.layout === "bytes")
    return (a, b) => {
      const start = left.offsets[a]!;
      const other = right.offsets[b]!;
      const length = left.offsets[a + 1]! - start;
      if (right.offsets[b + 1]! - other !== length) return false;
      for (let i = 0; i < length; i++) if (left.data[start + i] !== right.data[other + i]) return false;
      return true;
    };
  if (left.layout === "struct" && right.layout === "struct") {
    const members = left.children.map((child, i) => sameValues(child, right.children[i]!));
    return (a, b) => members.every((same) => same(a, b));
  }
  if (left.layout === "list" && right.layout === "list")
    return compareRanges(left.offsets, right.offsets, [sameValues(left.child, right.child)]);
  if (left.layout === "map" && right.layout === "map")
    return compareRanges(left.offsets, right.offsets, [
      sameValues(left.keys, right.keys),
      sameValues(left.values, right.values),
    ]);
  throw new AlluviumError("ALV_INTERNAL", `a ${left.layout} and a ${right.layout} are not compared`);
}

function compareFixed(left: FixedValues, right: FixedValues, stride: number): SameValue {
  if (left instanceof Float32Array || left instanceof Float64Array)
    return (a, b) => left[a] === right[b] || (Number.isNaN(left[a]) && Number.isNaN(right[b]));
  return (a, b) => {
    for (let k = 0; k < stride; k++) if (left[a * stride + k] !== right[b * stride + k]) return false;
    return true;
  };
}

function compareRanges(left: Int32Array, right: Int32Array, parts: readonly SameValue[]): SameValue {
  return (a, b) => {
    const start = left[a]!;
    const other = right[b]!;
    const length = left[a + 1]! - start;
    if (right[b + 1]! - other !== length) return false;
    for (let i = 0; i < length; i++) if (!parts.every((same) => same(start + i, other + i))) return false;
    return true;
  };
}
