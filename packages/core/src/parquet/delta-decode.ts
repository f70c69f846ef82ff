import { unpackBits } from "./bitpack.ts";
import { takeInts, takeOwn, type TakeMemory } from "./page-memory.ts";
import { invalid } from "./invalid.ts";

/** What DELTA_BINARY_PACKED begins with. */
interface Header {
  readonly miniblocks: number;
  readonly miniblock: number;
  readonly count: number;
  readonly first: bigint;
}

/** Reads bytes that must be there. */
export class ByteCursor {
  at: number;
  readonly end: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw invalid("packed values are cut off");
    return this.bytes[this.at++]!;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 50; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw invalid("a number among packed values is too long");
  }

  zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const wide = BigInt.asUintN(64, value);
        return (wide >> 1n) ^ -(wide & 1n);
      }
    }
    throw invalid("a number among packed values is too long");
  }
}

/** Decodes 32-bit values of DELTA_BINARY_PACKED: at most `limit`. Leaves the cursor after them. */
export function decodeDelta32(cursor: ByteCursor, limit: number, take: TakeMemory = takeOwn): Int32Array {
  const { miniblocks, miniblock, count, first } = readHeader(cursor, limit);
  const out = takeInts(take, count);
  const packed = new Int32Array(miniblock);
  let value = Number(BigInt.asIntN(32, first));
  let done = 0;
  if (count > 0) out[done++] = value;
  while (done < count) {
    const min = Number(BigInt.asIntN(32, cursor.zigzag()));
    const widths = readWidths(cursor, miniblocks);
    for (let mini = 0; mini < miniblocks && done < count; mini++) {
      const width = widths[mini]!;
      if (width > 32) throw invalid(`32-bit values are packed with ${width} bits`);
      const size = Math.min(miniblock, count - done);
      const bytes = (width * miniblock) >> 3;
      // A last miniblock may lack the bytes of values that do not exist.
      if (cursor.at + Math.ceil((width * size) / 8) > cursor.end) throw invalid("packed values are cut off");
      unpackBits(cursor.bytes, cursor.at, width, packed, 0, size);
      cursor.at = Math.min(cursor.end, cursor.at + bytes);
      for (let i = 0; i < size; i++) out[done++] = value = (value + min + packed[i]!) | 0;
    }
  }
  return out;
}

/** Decodes 64-bit values of DELTA_BINARY_PACKED: at most `limit`. Leaves the cursor after them. */
export function decodeDelta64(cursor: ByteCursor, limit: number, take: TakeMemory = takeOwn): BigInt64Array {
  const { miniblocks, miniblock, count, first } = readHeader(cursor, limit);
  const words = takeInts(take, 2 * count);
  const out = new BigInt64Array(words.buffer, words.byteOffset, count);
  const packed = new Int32Array(miniblock);
  if (count > 0) out[0] = first;
  let low = words[0] ?? 0;
  let top = words[1] ?? 0;
  let done = Math.min(1, count);
  const half = new Int32Array(2);
  const whole = new BigInt64Array(half.buffer);
  while (done < count) {
    whole[0] = cursor.zigzag();
    const minLow = half[0]!;
    const minTop = half[1]!;
    const widths = readWidths(cursor, miniblocks);
    for (let mini = 0; mini < miniblocks && done < count; mini++) {
      const width = widths[mini]!;
      if (width > 64) throw invalid(`64-bit values are packed with ${width} bits`);
      const size = Math.min(miniblock, count - done);
      if (cursor.at + Math.ceil((width * size) / 8) > cursor.end) throw invalid("packed values are cut off");
      if (width <= 32) unpackBits(cursor.bytes, cursor.at, width, packed, 0, size);
      if (
        width < 31 &&
        top === low >> 31 &&
        minTop === minLow >> 31 &&
        addSmall(words, done, size, low, minLow, packed)
      ) {
        done += size;
        low = words[2 * done - 2]!;
        top = words[2 * done - 1]!;
        cursor.at = Math.min(cursor.end, cursor.at + ((width * miniblock) >> 3));
        continue;
      }
      for (let i = 0; i < size; i++) {
        let deltaLow: number;
        let deltaTop = 0;
        if (width <= 32) deltaLow = packed[i]!;
        else {
          deltaLow = bitsAt(cursor.bytes, cursor.at, i * width, 32);
          deltaTop = bitsAt(cursor.bytes, cursor.at, i * width + 32, width - 32);
        }
        // Sums of 32-bit words with their carry.
        let sum = (low + minLow) | 0;
        let carry = sum >>> 0 < low >>> 0 ? 1 : 0;
        low = (sum + deltaLow) | 0;
        carry += low >>> 0 < sum >>> 0 ? 1 : 0;
        sum = (top + minTop) | 0;
        top = (sum + deltaTop + carry) | 0;
        words[2 * done] = low;
        words[2 * done + 1] = top;
        done++;
      }
      cursor.at = Math.min(cursor.end, cursor.at + ((width * miniblock) >> 3));
    }
  }
  return out;
}

/** Sums of values that all fit into 32 bits, as most do; `false`: one does not, and nothing that was written counts. */
function addSmall(
  words: Int32Array,
  start: number,
  count: number,
  first: number,
  min: number,
  packed: Int32Array,
): boolean {
  let value = first;
  for (let i = 0, at = 2 * start; i < count; i++, at += 2) {
    value += min + packed[i]!;
    const low = value | 0;
    if (low !== value) return false;
    words[at] = low;
    words[at + 1] = low >> 31;
  }
  return true;
}

/** `count` (0–32) bits from bit `offset` on. */
function bitsAt(bytes: Uint8Array, start: number, offset: number, count: number): number {
  if (count === 0) return 0;
  let at = start + (offset >> 3);
  const shift = offset & 7;
  let value = bytes[at++]! >>> shift;
  for (let have = 8 - shift; have < count; have += 8) value |= bytes[at++]! << have;
  return count === 32 ? value : value & ((1 << count) - 1);
}

function readHeader(cursor: ByteCursor, limit: number): Header {
  const block = cursor.varint();
  const miniblocks = cursor.varint();
  const total = cursor.varint();
  const first = cursor.zigzag();
  const miniblock = block / miniblocks;
  if (!(miniblocks > 0 && miniblocks <= 4096 && block <= 1 << 20 && miniblock % 8 === 0 && miniblock > 0))
    throw invalid(`packed values come in blocks of ${block} in ${miniblocks} parts`);
  return { miniblocks, miniblock, count: Math.min(total, limit), first };
}

function readWidths(cursor: ByteCursor, miniblocks: number): Uint8Array {
  if (cursor.at + miniblocks > cursor.end) throw invalid("packed values are cut off");
  const widths = cursor.bytes.subarray(cursor.at, cursor.at + miniblocks);
  cursor.at += miniblocks;
  return widths;
}
