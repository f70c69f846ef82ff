import { isRawJson } from "./raw-json.ts";

/** Plain objects, and instances of classes with data of their own that do not say how else they are written (`toJSON`). */
export function isStruct(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (isRawJson(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set || value instanceof Date)
    return false;
  return typeof (value as { toJSON?: unknown }).toJSON !== "function" && Object.keys(value).length > 0;
}

/** What stands for a list beside arrays: sets, and typed arrays of numbers other than bytes. */
export function isListLike(value: unknown): value is Float64Array | ReadonlySet<unknown> {
  if (value instanceof Set) return true;
  return ArrayBuffer.isView(value) && !(value instanceof Uint8Array) && !(value instanceof DataView);
}
