import type { Batch, Changes } from "./batch.ts";
import { fixedStride } from "./builder.ts";
import { countOnes, sliceBits } from "./bitmap.ts";
import type { FixedValues, Vector } from "./vector.ts";

/**
 * Rows `[start, end)` of a vector. Arrays are shared with the original; only bitmaps that do not begin on a byte are copied.
 * Bounds are clamped to the vector's rows.
 */
export function sliceVector(vector: Vector, start: number, end: number = vector.length): Vector {
  const from = Math.min(Math.max(start, 0), vector.length);
  const to = Math.min(Math.max(end, from), vector.length);
  if (from === 0 && to === vector.length) return vector;
  const length = to - from;
  const { type } = vector;
  if (vector.layout === "null") return { ...vector, length, nullCount: length };
  const nullCount =
    vector.validity === undefined
      ? vector.nullCount && length
      : length - countOnes(vector.validity, from, to);
  const validity =
    vector.validity === undefined || nullCount === 0 ? undefined : sliceBits(vector.validity, from, length);
  const base = { type, length, nullCount, validity };
  switch (vector.layout) {
    case "boolean":
      return { ...base, layout: "boolean", values: sliceBits(vector.values, from, length) };
    case "fixed": {
      const stride = fixedStride(type);
      return { ...base, layout: "fixed", values: subarray(vector.values, from * stride, to * stride) };
    }
    case "bytes":
      return {
        ...base,
        layout: "bytes",
        offsets: vector.offsets.subarray(from, to + 1),
        data: vector.data,
      };
    case "list":
      return {
        ...base,
        layout: "list",
        offsets: vector.offsets.subarray(from, to + 1),
        child: vector.child,
      };
    case "map":
      return {
        ...base,
        layout: "map",
        offsets: vector.offsets.subarray(from, to + 1),
        keys: vector.keys,
        values: vector.values,
      };
    case "struct":
      return {
        ...base,
        layout: "struct",
        children: vector.children.map((child) => sliceVector(child, from, to)),
      };
    case "dictionary":
      return {
        ...base,
        layout: "dictionary",
        codes: vector.codes.subarray(from, to),
        dictionary: vector.dictionary,
      };
  }
}

function subarray(values: FixedValues, start: number, end: number): FixedValues {
  return values.subarray(start, end);
}

/** Rows `[start, end)` of a batch, its changes included; see {@link sliceVector}. */
export function sliceBatch(batch: Batch, start: number, end: number = batch.length): Batch {
  const from = Math.min(Math.max(start, 0), batch.length);
  const to = Math.min(Math.max(end, from), batch.length);
  if (from === 0 && to === batch.length) return batch;
  const { schema, changes } = batch;
  const columns = batch.columns.map((column) => sliceVector(column, from, to));
  return {
    schema,
    length: to - from,
    columns,
    ...(changes && { changes: sliceChanges(changes, from, to) }),
  };
}

function sliceChanges({ ops, ordinals, oldKeys, unchanged }: Changes, from: number, to: number): Changes {
  return {
    ops: ops.subarray(from, to),
    ordinals: ordinals.subarray(from, to),
    ...(oldKeys && { oldKeys: sliceBatch(oldKeys, from, to) }),
    ...(unchanged && { unchanged: unchanged.map((bits) => bits && sliceBits(bits, from, to - from)) }),
  };
}
