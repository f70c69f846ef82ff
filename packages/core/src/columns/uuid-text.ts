import type { ColumnType } from "../schema/types.ts";
import { checkedOffset } from "./take.ts";
import { isValid, type BytesVector, type FixedVector } from "./vector.ts";

/** Length of the text of a UUID. */
const LENGTH = 36;

/** The two hex digits of each byte, the first in the low byte. */
const digits: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  const [high, low] = byte.toString(16).padStart(2, "0");
  return high!.charCodeAt(0) | (low!.charCodeAt(0) << 8);
});

/** Child tables refer to the ids of their parents from several columns: those become text once. */
const texts = new WeakMap<FixedVector, BytesVector>();

/** The canonical text of UUIDs (RFC 9562, section 4), by words: a text each would cost many times as much. */
export function uuidText(vector: FixedVector, type: ColumnType): BytesVector {
  let text = texts.get(vector);
  if (text === undefined) texts.set(vector, (text = textOf(vector, type)));
  return { ...text, type };
}

function textOf(vector: FixedVector, type: ColumnType): BytesVector {
  const { length, nullCount, validity } = vector;
  const words = wordsOf(vector.values as Uint8Array, 4 * length);
  const data = new Uint8Array(checkedOffset((length - nullCount) * LENGTH));
  const pairs = new Uint16Array(data.buffer);
  const offsets = new Int32Array(length + 1);
  let first = -1;
  let at = 0;
  for (let row = 0; row < length; row++) {
    if (nullCount === 0 || isValid(vector, row)) {
      const from = 4 * row;
      if (first < 0) {
        first = from;
        for (let word = 0; word < 4; word++) writeWord(word, words[from + word]!, data, pairs, at);
        for (const dash of [8, 13, 18, 23]) data[dash] = 0x2d;
        repeat(data, LENGTH);
      } else {
        // Ids that are given by place, or by time, mostly differ in their last bytes: the rest stands there already.
        if (words[from] !== words[first]) writeWord(0, words[from]!, data, pairs, at);
        if (words[from + 1] !== words[first + 1]) writeWord(1, words[from + 1]!, data, pairs, at);
        if (words[from + 2] !== words[first + 2]) writeWord(2, words[from + 2]!, data, pairs, at);
        if (words[from + 3] !== words[first + 3]) writeWord(3, words[from + 3]!, data, pairs, at);
      }
      at += LENGTH;
    }
    offsets[row + 1] = at;
  }
  return { layout: "bytes", type, length, nullCount, validity, offsets, data };
}

/** Writes the digits of four bytes of a UUID into its text at `at`, which is even; dashes move some to odd places. */
function writeWord(word: number, bytes: number, data: Uint8Array, pairs: Uint16Array, at: number): void {
  const a = digits[bytes & 255]!;
  const b = digits[(bytes >>> 8) & 255]!;
  const c = digits[(bytes >>> 16) & 255]!;
  const d = digits[bytes >>> 24]!;
  const pair = at >> 1;
  if (word === 0 || word === 3) {
    const to = word === 0 ? pair : pair + 14;
    pairs[to] = a;
    pairs[to + 1] = b;
    pairs[to + 2] = c;
    pairs[to + 3] = d;
    return;
  }
  const odd = at + (word === 1 ? 9 : 19);
  data[odd] = a;
  data[odd + 1] = a >> 8;
  data[odd + 2] = b;
  data[odd + 3] = b >> 8;
  const even = pair + (word === 1 ? 7 : 12);
  pairs[even] = c;
  pairs[even + 1] = d;
}

function wordsOf(bytes: Uint8Array, count: number): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, count);
}

/** Fills an array with its first bytes, twice as many at a time. */
function repeat(data: Uint8Array, first: number): void {
  for (let done = first; done < data.length; done *= 2)
    data.copyWithin(done, 0, Math.min(done, data.length - done));
}
