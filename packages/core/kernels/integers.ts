/**
 * Integers, packed and unpacked: the bits of dictionary indexes and differences. AssemblyScript; `npm run kernels` compiles it.
 *
 * Everything is at addresses of one memory, which the caller lays out, with room for 16 bytes behind what is read and written. Bits are packed the
 * least significant first, values of 32 bits stand as such, those of 64 bits as two words, the low one first.
 *
 * Formats: https://github.com/apache/parquet-format/blob/master/Encodings.md
 */

/** DELTA_BINARY_PACKED: blocks of 128 differences in four miniblocks, each packed with its own width. */
const BLOCK: u32 = 128;
const MINIBLOCKS: u32 = 4;
const MINIBLOCK: u32 = BLOCK / MINIBLOCKS;
/** Where the differences of a block wait, 8 bytes each: the caller has nothing there. */
const DELTAS: usize = 16;

/** The least and the greatest value that {@link bounds64} found. */
export let least: i64 = 0;
export let greatest: i64 = 0;

/** Packs `count` values of 32 bits in `width` bits each (1 to 32), and fills the last byte up with zeros. Returns the end. */
export function pack(from: usize, count: u32, width: u32, to: usize): usize {
  let held: u64 = 0;
  let bits: u32 = 0;
  let at = to;
  const end = from + ((<usize>count) << 2);
  for (let value = from; value < end; value += 4) {
    held |= (<u64>load<u32>(value)) << (<u64>bits);
    bits += width;
    if (bits >= 32) {
      store<u32>(at, <u32>held);
      at += 4;
      held >>= 32;
      bits -= 32;
    }
  }
  store<u32>(at, <u32>held);
  return at + ((bits + 7) >> 3);
}

/** Unpacks `count` values of `width` bits (1 to 32) to 32 bits each. */
export function unpack(from: usize, width: u32, count: u32, to: usize): void {
  const mask: u64 = ((<u64>1) << (<u64>width)) - 1;
  const end = to + ((<usize>count) << 2);
  let bit: u64 = 0;
  for (let value = to; value < end; value += 4) {
    store<u32>(value, <u32>((load<u64>(from + <usize>(bit >> 3)) >> (bit & 7)) & mask));
    bit += width;
  }
}

/** Finds the least and the greatest of `count` values of 64 bits, at least one. */
export function bounds64(from: usize, count: u32): void {
  let low = load<i64>(from);
  let high = low;
  const end = from + ((<usize>count) << 3);
  for (let at = from + 8; at < end; at += 8) {
    const value = load<i64>(at);
    low = min(low, value);
    high = max(high, value);
  }
  least = low;
  greatest = high;
}

function varint(value: u64, to: usize): usize {
  let rest = value;
  let at = to;
  while (rest >= 128) {
    store<u8>(at++, <u8>rest | 128);
    rest >>= 7;
  }
  store<u8>(at++, <u8>rest);
  return at;
}

function zigzag(value: i64, to: usize): usize {
  return varint(<u64>((value << 1) ^ (value >> 63)), to);
}

function header(count: u32, to: usize): usize {
  return varint(count, varint(MINIBLOCKS, varint(BLOCK, to)));
}

/** `count` values of 32 bits as DELTA_BINARY_PACKED; differences wrap around, as the format wants. Returns the end. */
export function delta32(from: usize, count: u32, to: usize): usize {
  let at = header(count, to);
  let previous: i32 = count > 0 ? load<i32>(from) : 0;
  at = zigzag(previous, at);
  for (let start: u32 = 1; start < count; start += BLOCK) {
    const size = min(BLOCK, count - start);
    const values = from + ((<usize>start) << 2);
    let low = i32.MAX_VALUE;
    for (let i: u32 = 0; i < size; i++) {
      const value = load<i32>(values + ((<usize>i) << 2));
      const delta = value - previous;
      previous = value;
      store<i32>(DELTAS + ((<usize>i) << 2), delta);
      low = min(low, delta);
    }
    at = zigzag(low, at);
    const widths = at;
    store<u32>(widths, 0);
    at += MINIBLOCKS;
    // The last miniblock is filled up with zeros.
    for (let i = size; i % MINIBLOCK != 0; i++) store<i32>(DELTAS + ((<usize>i) << 2), low);
    for (let first: u32 = 0; first < size; first += MINIBLOCK) {
      const deltas = DELTAS + ((<usize>first) << 2);
      let all: u32 = 0;
      for (let i: usize = 0; i < 4 * MINIBLOCK; i += 4) {
        const above = <u32>(load<i32>(deltas + i) - low);
        store<u32>(deltas + i, above);
        all |= above;
      }
      const width = 32 - clz(all);
      store<u8>(widths + first / MINIBLOCK, <u8>width);
      if (width > 0) at = pack(deltas, MINIBLOCK, width, at);
    }
  }
  return at;
}

/** The same of 64 bits. */
export function delta64(from: usize, count: u32, to: usize): usize {
  let at = header(count, to);
  let previous: i64 = count > 0 ? load<i64>(from) : 0;
  at = zigzag(previous, at);
  for (let start: u32 = 1; start < count; start += BLOCK) {
    const size = min(BLOCK, count - start);
    const values = from + ((<usize>start) << 3);
    let low = i64.MAX_VALUE;
    for (let i: u32 = 0; i < size; i++) {
      const value = load<i64>(values + ((<usize>i) << 3));
      const delta = value - previous;
      previous = value;
      store<i64>(DELTAS + ((<usize>i) << 3), delta);
      low = min(low, delta);
    }
    at = zigzag(low, at);
    const widths = at;
    store<u32>(widths, 0);
    at += MINIBLOCKS;
    for (let i = size; i % MINIBLOCK != 0; i++) store<i64>(DELTAS + ((<usize>i) << 3), low);
    for (let first: u32 = 0; first < size; first += MINIBLOCK) {
      const deltas = DELTAS + ((<usize>first) << 3);
      let all: u64 = 0;
      for (let i: usize = 0; i < 8 * MINIBLOCK; i += 8) {
        const above = <u64>(load<i64>(deltas + i) - low);
        store<u64>(deltas + i, above);
        all |= above;
      }
      const width = 64 - <u32>clz(all);
      store<u8>(widths + first / MINIBLOCK, <u8>width);
      if (width > 0) at = packWide(deltas, width, at);
    }
  }
  return at;
}

/** Packs one miniblock of values of 64 bits. */
function packWide(from: usize, width: u32, to: usize): usize {
  let held: u64 = 0;
  let bits: u32 = 0;
  let at = to;
  for (let i: usize = 0; i < 8 * MINIBLOCK; i += 8) {
    const value = load<u64>(from + i);
    held |= value << (<u64>bits);
    bits += width;
    if (bits < 64) continue;
    store<u64>(at, held);
    at += 8;
    bits -= 64;
    // A shift by 64 would be a shift by none.
    held = bits == 0 ? 0 : value >> <u64>(width - bits);
  }
  store<u64>(at, held);
  return to + ((<usize>width) << 2);
}
