/**
 * Snappy's block format: compression.
 * Source: https://github.com/google/snappy/blob/main/format_description.txt
 */

const BLOCK = 1 << 16;
const HASH_BITS = 14;
// Matches may not begin in the last bytes of a block: four bytes are read at a time.
const MARGIN = 15;

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
