import { Buffer } from "node:buffer";
import type { BytesVector } from "@alluvium/core/columns";
import type { CellContext, CellWriter } from "./cell.ts";
import { refuseValue } from "./refuse-value.ts";

const BY_HAND = 32;
const JSONB_VERSION = 1;

/** Text, JSON and bytes. */
export function bytesCells(vector: BytesVector, context: CellContext): CellWriter {
  const { offsets, data, length } = vector;
  const { kind } = vector.type;
  const binary = kind === "json" && context.json === "jsonb";
  const extra = binary ? 1 : 0;
  const used = Buffer.from(data.buffer, data.byteOffset, data.byteLength).subarray(
    offsets[0],
    offsets[length],
  );
  // One look at all rows together tells whether single ones need one.
  const hasNul = kind !== "binary" && used.includes(0);
  const hasEscape = binary && used.includes("\\u0000");

  return {
    size: (row) => offsets[row + 1]! - offsets[row]! + extra,
    write(target, row, at) {
      const from = offsets[row]!;
      const size = offsets[row + 1]! - from;
      if (hasNul || hasEscape) {
        const value = data.subarray(from, from + size);
        if ((hasNul && value.includes(0)) || (hasEscape && holdsNulEscape(value)))
          throw refuseValue(context, row, "a text with a NUL character", "its text types have none");
      }
      let to = at;
      if (binary) target.bytes[to++] = JSONB_VERSION;
      if (size <= BY_HAND) for (let i = 0; i < size; i++) target.bytes[to + i] = data[from + i]!;
      else target.bytes.set(data.subarray(from, from + size), to);
      return to + size;
    },
  };
}

/** Whether JSON text holds the escape `\u0000`, rather than an escaped backslash before `u0000`. */
function holdsNulEscape(value: Uint8Array): boolean {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  for (let at = text.indexOf("\\u0000"); at >= 0; at = text.indexOf("\\u0000", at + 1)) {
    let backslashes = 1;
    while (text[at - backslashes] === 0x5c) backslashes += 1;
    if (backslashes % 2 === 1) return true;
  }
  return false;
}
