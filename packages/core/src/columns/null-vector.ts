import type { ColumnType } from "../schema/types.ts";
import { fixedStride, fixedValues } from "./builder.ts";
import type { Vector } from "./vector.ts";

/** `length` nulls of `type`, in the plain layout of that type. */
export function nullVector(type: ColumnType, length: number): Vector {
  const base = {
    type,
    length,
    nullCount: length,
    validity: length === 0 ? undefined : new Uint8Array((length + 7) >> 3),
  };
  switch (type.kind) {
    case "null":
      return { ...base, layout: "null", validity: undefined };
    case "boolean":
      return { ...base, layout: "boolean", values: new Uint8Array((length + 7) >> 3) };
    case "string":
    case "json":
    case "binary":
      return { ...base, layout: "bytes", offsets: new Int32Array(length + 1), data: new Uint8Array(0) };
    case "list":
      return {
        ...base,
        layout: "list",
        offsets: new Int32Array(length + 1),
        child: nullVector(type.element.type, 0),
      };
    case "map":
      return {
        ...base,
        layout: "map",
        offsets: new Int32Array(length + 1),
        keys: nullVector(type.key.type, 0),
        values: nullVector(type.value.type, 0),
      };
    case "struct":
      return {
        ...base,
        layout: "struct",
        children: type.fields.map((field) => nullVector(field.type, length)),
      };
    default:
      return { ...base, layout: "fixed", values: fixedValues(type, length * fixedStride(type)) };
  }
}
