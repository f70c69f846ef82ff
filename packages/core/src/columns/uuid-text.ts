import type { ColumnType } from "../schema/types.ts";
import { checkedOffset } from "./take.ts";
import { isValid, type BytesVector, type FixedVector } from "./vector.ts";

/** Length of the text of a UUID. */
const LENGTH = 36;

/** The two hex digits of each byte. */
const digits: Uint8Array = Uint8Array.from({ length: 512 }, (_, i) =>
  "0123456789abcdef".charCodeAt(i & 1 ? (i >> 1) & 15 : i >> 5),
);

/** The canonical text of UUIDs (RFC 9562, section 4), byte by byte: a text each would cost many times as much. */
export function uuidText(vector: FixedVector, type: ColumnType): BytesVector {
  const { length, nullCount } = vector;
  const bytes = vector.values as Uint8Array;
  const data = new Uint8Array(checkedOffset((length - nullCount) * LENGTH));
  const offsets = new Int32Array(length + 1);
  let at = 0;
  for (let row = 0; row < length; row++) {
    if (nullCount === 0 || isValid(vector, row)) {
      let from = row * 16;
      for (let i = 0; i < 16; i++) {
        if (i === 4 || i === 6 || i === 8 || i === 10) data[at++] = 0x2d;
        const digit = bytes[from++]! * 2;
        data[at++] = digits[digit]!;
        data[at++] = digits[digit + 1]!;
      }
    }
    offsets[row + 1] = at;
  }
  return { layout: "bytes", type, length, nullCount, validity: vector.validity, offsets, data };
}
