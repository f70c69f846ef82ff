import type { ColumnType } from "../schema/types.ts";
import { checkedOffset } from "./take.ts";
import { isValid, type BytesVector, type FixedVector } from "./vector.ts";

/** Length of the text of a UUID. */
const LENGTH = 36;

/** The two hex digits of each byte. */
const digits: Uint8Array = Uint8Array.from({ length: 512 }, (_, i) =>
  "0123456789abcdef".charCodeAt(i & 1 ? (i >> 1) & 15 : i >> 5),
);

/** Where the digits of each byte stand. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** Child tables refer to the ids of their parents from several columns: those become text once. */
const texts = new WeakMap<FixedVector, BytesVector>();

/** The canonical text of UUIDs (RFC 9562, section 4), byte by byte: a text each would cost many times as much. */
export function uuidText(vector: FixedVector, type: ColumnType): BytesVector {
  let text = texts.get(vector);
  if (text === undefined) texts.set(vector, (text = textOf(vector, type)));
  return { ...text, type };
}

function textOf(vector: FixedVector, type: ColumnType): BytesVector {
  const { length, nullCount, validity } = vector;
  const bytes = vector.values as Uint8Array;
  const data = new Uint8Array(checkedOffset((length - nullCount) * LENGTH));
  const offsets = new Int32Array(length + 1);
  let first = -1;
  let at = 0;
  for (let row = 0; row < length; row++) {
    if (nullCount === 0 || isValid(vector, row)) {
      const from = 16 * row;
      if (first < 0) {
        first = from;
        writeBytes(bytes, from, 0, 16, data, at);
        for (const dash of [8, 13, 18, 23]) data[dash] = 0x2d;
        repeat(data, LENGTH);
      } else {
        // Ids that are given by place, or by time, mostly differ in their last bytes: the rest stands there already.
        for (let word = 0; word < 16; word += 4)
          if (
            bytes[from + word] !== bytes[first + word] ||
            bytes[from + word + 1] !== bytes[first + word + 1] ||
            bytes[from + word + 2] !== bytes[first + word + 2] ||
            bytes[from + word + 3] !== bytes[first + word + 3]
          )
            writeBytes(bytes, from, word, word + 4, data, at);
      }
      at += LENGTH;
    }
    offsets[row + 1] = at;
  }
  return { layout: "bytes", type, length, nullCount, validity, offsets, data };
}

/** Writes the digits of bytes `[start, end)` of the UUID at `from` into its text at `at`. */
function writeBytes(
  bytes: Uint8Array,
  from: number,
  start: number,
  end: number,
  data: Uint8Array,
  at: number,
): void {
  for (let i = start; i < end; i++) {
    const digit = bytes[from + i]! * 2;
    const place = at + places[i]!;
    data[place] = digits[digit]!;
    data[place + 1] = digits[digit + 1]!;
  }
}

/** Fills an array with its first bytes, twice as many at a time. */
function repeat(data: Uint8Array, first: number): void {
  for (let done = first; done < data.length; done *= 2)
    data.copyWithin(done, 0, Math.min(done, data.length - done));
}
