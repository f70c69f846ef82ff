import { type Schema } from "@alluvium/core";
import { canonicalJson, encodeSchema } from "@alluvium/core/state";

/** Whether two schemas have the same columns of the same types in the same order. */
export function sameSchema(a: Schema, b: Schema): boolean {
  return a === b || canonicalJson(encodeSchema(a)) === canonicalJson(encodeSchema(b));
}
