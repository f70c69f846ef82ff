import { bitWidth } from "./bitpack.ts";
import { hybridBound } from "./hybrid.ts";
import { encodeHybrid } from "./integers.ts";
import { bodyOf } from "./page-memory.ts";
import type { Scratch } from "./scratch.ts";

/** The body of a data page of dictionary indexes: their width in a byte, then the hybrid. */
export function encodeIndexes(
  indexes: Int32Array,
  count: number,
  entries: number,
  prefix: number,
  scratch: Scratch,
): Uint8Array {
  const width = bitWidth(entries - 1);
  const out = scratch.bytes(prefix + 1 + hybridBound(count, width));
  out[prefix] = width;
  const end = encodeHybrid(indexes, count, width, out, prefix + 1);
  return bodyOf(out, end);
}
