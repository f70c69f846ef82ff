import { AlluviumError } from "../errors.ts";

/**
 * Snappy's block format, both ways.
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

const BLOCK = 1 << 16;
const HASH_BITS = 14;
// Matches may not begin in the last bytes of a block: four bytes are read at a time.
const MARGIN = 15;
/** Literals beyond this are copied natively. */
const LONG = 64;

/** Compresses `input`. */
export function snappyCompress(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(32 + input.length + Math.ceil(input.length / 6));
  const table = new Uint16Array(1 << HASH_BITS);
  let at = 0;
  let length = input.length;
  while (length >= 128) {
    out[at++] = (length & 127) | 128;
    length = Math.floor(length / 128);
  }
  out[at++] = length;
  for (let start = 0; start < input.length; start += BLOCK)
    at = compressBlock(input, start, Math.min(start + BLOCK, input.length), out, at, table);
  return out.subarray(0, at);
}

/** Compresses one block; positions in `table` count from its start, so that matches stay within 64 KiB. */
function compressBlock(
  input: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  position: number,
  table: Uint16Array,
): number {
  let at = position;
  let literal = start;
  if (end - start > MARGIN) {
    table.fill(0);
    const limit = end - MARGIN;
    let i = start + 1;
    // The longer nothing is found, the larger the steps: data that does not shrink passes quickly.
    let skip = 32;
    while (i < limit) {
      const word = read32(input, i);
      const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
      const candidate = start + table[slot]!;
      table[slot] = i - start;
      if (candidate >= i || read32(input, candidate) !== word) {
        i += skip++ >>> 5;
        continue;
      }
      skip = 32;
      at = writeLiteral(input, literal, i, out, at);
      let length = 4;
      while (i + length < end && input[i + length] === input[candidate + length]) length++;
      at = writeCopy(i - candidate, length, out, at);
      i += length;
      literal = i;
      if (i < limit) table[Math.imul(read32(input, i - 1), 0x1e35a7bd) >>> (32 - HASH_BITS)] = i - 1 - start;
    }
  }
  return writeLiteral(input, literal, end, out, at);
}

function read32(bytes: Uint8Array, i: number): number {
  return bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
}

function writeLiteral(
  input: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  position: number,
): number {
  const length = end - start;
  if (length === 0) return position;
  let at = position;
  const last = length - 1;
  if (last < 60) out[at++] = last << 2;
  else if (last < 256) {
    out[at++] = 60 << 2;
    out[at++] = last;
  } else {
    out[at++] = 61 << 2;
    out[at++] = last;
    out[at++] = last >>> 8;
  }
  if (length < 32) for (let i = start; i < end; i++) out[at++] = input[i]!;
  else {
    out.set(input.subarray(start, end), at);
    at += length;
  }
  return at;
}

function writeCopy(offset: number, length: number, out: Uint8Array, position: number): number {
  let at = position;
  let rest = length;
  while (rest >= 68) {
    at = writeLongCopy(offset, 64, out, at);
    rest -= 64;
  }
  // A remainder below four could only be written as a long copy; leave at least four.
  if (rest > 64) {
    at = writeLongCopy(offset, 60, out, at);
    rest -= 60;
  }
  if (rest >= 12 || offset >= 2048) return writeLongCopy(offset, rest, out, at);
  out[at++] = ((offset >>> 8) << 5) | ((rest - 4) << 2) | 1;
  out[at++] = offset;
  return at;
}

function writeLongCopy(offset: number, length: number, out: Uint8Array, at: number): number {
  out[at] = ((length - 1) << 2) | 2;
  out[at + 1] = offset;
  out[at + 2] = offset >>> 8;
  return at + 3;
}

/** Decompresses a block that unpacks to exactly `size` bytes, in memory of `take`; anything else is `ALV_FILE_INVALID`. */
export function snappyDecompress(
  input: Uint8Array,
  size: number,
  take: (size: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array {
  let at = 0;
  let announced = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++];
    if (byte === undefined || shift > 28) throw damaged("its length cannot be read");
    announced += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (announced !== size) throw damaged(`it announces ${announced} bytes where ${size} are expected`);
  // At best three bytes stand for 64: more than that is made up, and gets no memory.
  if (size > input.length * 22 + 64) throw damaged(`${input.length} bytes cannot unpack to ${size}`);
  const out = take(size);
  // Short parts are copied by words of four bytes, of which the last may reach beyond: what comes next is written over that.
  const source = new DataView(input.buffer, input.byteOffset, input.length);
  const target = new DataView(out.buffer, out.byteOffset, size);
  let o = 0;
  const end = input.length;
  while (at < end) {
    const tag = input[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const bytes = length - 60;
        if (at + bytes > end) throw damaged("it ends within a literal");
        length = 1;
        for (let i = 0; i < bytes; i++) length += input[at + i]! * 2 ** (8 * i);
        at += bytes;
      }
      if (at + length > end || o + length > size) throw damaged("a literal is too long");
      if (length > LONG) out.set(input.subarray(at, at + length), o);
      else if (at + length + 3 > end || o + length + 3 > size)
        for (let i = 0; i < length; i++) out[o + i] = input[at + i]!;
      else for (let i = 0; i < length; i += 4) target.setInt32(o + i, source.getInt32(at + i, true), true);
      at += length;
      o += length;
      continue;
    }
    let length: number;
    let offset: number;
    if (kind === 1) {
      if (at >= end) throw damaged("it ends within a copy");
      length = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | input[at++]!;
    } else if (kind === 2) {
      if (at + 2 > end) throw damaged("it ends within a copy");
      length = (tag >>> 2) + 1;
      offset = input[at]! | (input[at + 1]! << 8);
      at += 2;
    } else {
      if (at + 4 > end) throw damaged("it ends within a copy");
      length = (tag >>> 2) + 1;
      offset = read32(input, at) >>> 0;
      at += 4;
    }
    if (offset === 0 || offset > o || o + length > size) throw damaged("a copy points outside of it");
    const from = o - offset;
    // Of a copy that overlaps itself a word may hold only what was written before.
    if (offset < 4 || o + length + 3 > size) for (let i = 0; i < length; i++) out[o + i] = out[from + i]!;
    else for (let i = 0; i < length; i += 4) target.setInt32(o + i, target.getInt32(from + i, true), true);
    o += length;
  }
  if (o !== size) throw damaged(`it unpacks to ${o} bytes where ${size} are expected`);
  return out;
}

function damaged(what: string): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", `the Snappy block is damaged: ${what}`);
}
