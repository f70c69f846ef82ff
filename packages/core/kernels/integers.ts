/**
 * Integers, packed and unpacked: the bits of levels, dictionary indexes and differences. AssemblyScript; `npm run kernels` compiles it.
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

/** Runs of the hybrid that are shorter than this are packed. */
const MIN_RUN: u32 = 8;

/** The least and the greatest value that was found. */
export let least: i64 = 0;
export let greatest: i64 = 0;

/** Packs `count` values of 32 bits in `width` bits each (1 to 32), and fills the last byte up with zeros. Returns the end. */
function pack(from: usize, count: u32, width: u32, to: usize): usize {
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

/** Finds the least and the greatest of `count` values of 32 bits, at least one. Reads up to 12 bytes behind them. */
export function bounds32(from: usize, count: u32): void {
  const end = from + ((<usize>count) << 2);
  // The last one again in the place of those that are missing to four.
  const last = load<i32>(end - 4);
  for (let i: usize = 0; i < 12; i += 4) store<i32>(end + i, last);
  let low = v128.load(from);
  let high = low;
  for (let at = from + 16; at < end; at += 16) {
    const values = v128.load(at);
    low = i32x4.min_s(low, values);
    high = i32x4.max_s(high, values);
  }
  least = min(
    min(i32x4.extract_lane(low, 0), i32x4.extract_lane(low, 1)),
    min(i32x4.extract_lane(low, 2), i32x4.extract_lane(low, 3)),
  );
  greatest = max(
    max(i32x4.extract_lane(high, 0), i32x4.extract_lane(high, 1)),
    max(i32x4.extract_lane(high, 2), i32x4.extract_lane(high, 3)),
  );
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

/** One packed run of the hybrid, filled up to a whole group of eight. */
function packedRun(from: usize, count: u32, width: u32, to: usize): usize {
  const groups = (count + 7) >> 3;
  const at = varint(2 * groups + 1, to);
  const end = at + <usize>(groups * width);
  const written = pack(from, count, width, at);
  memory.fill(written, 0, end - written);
  return end;
}

/**
 * The RLE / bit-packing hybrid of `count` values of `width` bits (0 to 32) in 32 bits each: runs of equal ones, the rest packed. Returns the end.
 */
export function hybrid(from: usize, count: u32, width: u32, to: usize): usize {
  if (count == 0) return to;
  const end = from + ((<usize>count) << 2);
  // Without long runs one packed run holds all: the usual case for indexes, and a sample shows it.
  const step = (<usize>max(1, count >> 11)) << 2;
  let repeats: u32 = 0;
  let looked: u32 = 0;
  for (let at = from + 4; at < end; at += step, looked++) if (load<u32>(at) == load<u32>(at - 4)) repeats++;
  if (count >= 2048 && repeats << 1 < looked) return packedRun(from, count, width, to);
  let out = to;
  let packed = from;
  for (let start = from; start < end;) {
    const value = load<u32>(start);
    let stop = start + 4;
    while (stop < end && load<u32>(stop) == value) stop += 4;
    // A packed run holds whole groups of eight, so the run that ends it gives up what fills the last group.
    const before = <u32>((start - packed) >> 2);
    const fill = <u32>(8 - (before & 7)) & 7;
    const length = <u32>((stop - start) >> 2);
    if (length >= fill + MIN_RUN) {
      if (before > 0) out = packedRun(packed, before + fill, width, out);
      out = varint(2 * <u64>(length - fill), out);
      store<u32>(out, value);
      out += (width + 7) >> 3;
      packed = stop;
    }
    start = stop;
  }
  return packed < end ? packedRun(packed, <u32>((end - packed) >> 2), width, out) : out;
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
