import { takeBody } from "./page-memory.ts";
import type { Leaf } from "./shape.ts";

/** PLAIN values of a fixed width behind `prefix` empty bytes. Words of 32 bits are as the machine has them: little-endian. */
export function plainWords(leaf: Leaf, values: Int32Array, count: number, prefix: number): Uint8Array {
  const { type, width } = leaf;
  if (type.kind === "decimal" && width > 0) return plainWideDecimals(values, count, width, prefix);
  const size = width > 0 ? width : bytesOf(type.kind, type.kind === "decimal" ? type.precision : 0);
  const out = takeBody(prefix + count * size);
  out.set(new Uint8Array(values.buffer, values.byteOffset, count * size), prefix);
  return out;
}

function bytesOf(kind: string, precision: number): number {
  if (kind === "decimal") return precision <= 9 ? 4 : 8;
  return kind === "int64" || kind === "time" || kind === "timestamp" || kind === "float64" ? 8 : 4;
}

/** Two's complement, highest byte first, in `width` bytes. */
function plainWideDecimals(values: Int32Array, count: number, width: number, prefix: number): Uint8Array {
  const out = takeBody(prefix + count * width);
  let at = prefix;
  for (let i = 0; i < count; i++)
    for (let byte = width - 1; byte >= 0; byte--)
      out[at++] = values[4 * i + (byte >> 2)]! >>> (8 * (byte & 3));
  return out;
}
