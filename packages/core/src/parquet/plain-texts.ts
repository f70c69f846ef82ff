import type { AlluviumError } from "../errors.ts";
import { invalid } from "./invalid.ts";
import { FREE, SLACK, workplace } from "./kernel.ts";
import { takeInts, type TakeMemory } from "./page-memory.ts";

/** Texts are taken apart in parts of so many rows, and of at most so many bytes. */
const ROWS = 8192;
const BYTES = 512 * 1024;

// The memory, by addresses in bytes: ends of texts, a part of the page, texts.
const OFFSETS: number = FREE;
const DATA: number = OFFSETS + 4 * ROWS;
const GATHERED: number = DATA + BYTES + SLACK;
const SIZE: number = GATHERED + BYTES - FREE;

/**
 * Decodes `count` PLAIN texts from `bytes[start, …)`, each behind its length in four bytes.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md#PLAIN
 */
export function decodePlainTexts(
  bytes: Uint8Array,
  start: number,
  count: number,
  take: TakeMemory,
): { readonly offsets: Int32Array; readonly data: Uint8Array } {
  const room = bytes.length - start - 4 * count;
  if (room < 0) throw cutOff();
  const offsets = takeInts(take, count + 1);
  const data = take(room);
  offsets[0] = 0;
  let size = 0;
  for (let done = 0; done < count;) {
    const at = start + 4 * done + size;
    const rows = Math.min(count - done, ROWS);
    // About as many bytes as these rows have.
    const share = Math.ceil(((bytes.length - at) * rows) / (count - done));
    const part = bytes.subarray(at, at + Math.min(share, BYTES));
    const place = workplace(SIZE);
    place.bytes.set(part, DATA);
    const whole = place.kernel.splitTexts(DATA, DATA + part.length, rows, OFFSETS, size, GATHERED);
    if (whole > 0) {
      const from = size;
      offsets.set(place.words.subarray(OFFSETS >> 2, (OFFSETS >> 2) + whole), done + 1);
      done += whole;
      size = offsets[done]!;
      if (size > room) throw cutOff();
      data.set(place.bytes.subarray(GATHERED, GATHERED + size - from), from);
    } else {
      // One that is longer than the part, or is cut off.
      const length = lengthAt(bytes, at);
      if (size + length > room) throw cutOff();
      data.set(bytes.subarray(at + 4, at + 4 + length), size);
      size += length;
      offsets[++done] = size;
    }
  }
  return { offsets, data: data.subarray(0, size) };
}

/** The length of the text at `at`, all of which is there. Its length is: those before it left room for it. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const length = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  if (length > bytes.length - at - 4) throw invalid(`a page holds a text of ${length} bytes`);
  return length;
}

function cutOff(): AlluviumError {
  return invalid("a page of texts is cut off");
}
