/**
 * The inner loops over a binary COPY stream, compiled to WebAssembly: cutting rows into fields, and turning a column's fields into values.
 * This is AssemblyScript (TypeScript's syntax, WebAssembly's types: https://www.assemblyscript.org); `npm run kernels` compiles it.
 *
 * Everything is at addresses of one memory, which the caller lays out. A column's `starts` are the addresses of its fields, -1 for null; the four
 * bytes before a field hold its length. Numbers in the stream are big endian, as the network sends them. Kernels go from row `from` to row
 * `rows`, and return where they stopped: before a field that they leave to the caller. Nulls and fields that are left get the value zero: what another
 * column left in their places must not get into this one.
 *
 * Formats: https://www.postgresql.org/docs/current/protocol-message-formats.html, https://www.postgresql.org/docs/current/sql-copy.html, and
 * the `…send` functions of the server's types.
 */

const COPY_DATA: u32 = 0x64; // 'd'
/** Signs of a numeric: negative, and from here on NaN and the infinities. */
const NEGATIVE: u32 = 0x4000;
const SPECIAL: u32 = 0xc000;

/** How many rows {@link locate} found. */
export let located: u32 = 0;
/** How many of the rows that the last kernel went over were null. */
export let nulls: u32 = 0;
/** Where the bytes that {@link texts} gathered end. */
export let gathered: usize = 0;

function uint16(at: usize): u32 {
  return <u32>bswap<u16>(load<u16>(at));
}

function int32(at: usize): i32 {
  return <i32>bswap<u32>(load<u32>(at));
}

function startOf(starts: usize, row: u32): i32 {
  return load<i32>(starts + ((<usize>row) << 2));
}

/**
 * Finds the fields of the rows that come next between `from` and `end`, one in a message, which is how the server sends them, and at most `most`.
 * Field c of row r goes to place `c * stride + r` of `starts`. Stops before anything else, and returns where.
 */
export function locate(
  from: usize,
  end: usize,
  columns: u32,
  starts: usize,
  stride: usize,
  most: u32,
): usize {
  const step = stride << 2;
  let at = from;
  let row: u32 = 0;
  for (; row < most; row++) {
    if (at + 7 > end || load<u8>(at) != COPY_DATA) break;
    const length = <u32>int32(at + 1);
    if (length > <u32>(end - at - 1) || uint16(at + 5) != columns) break;
    const next = at + 1 + length;
    let position = at + 7;
    let to = starts + ((<usize>row) << 2);
    let column: u32 = 0;
    for (; column < columns; column++, to += step) {
      const field = position + 4;
      if ((load<u32>(position) & 0xff_ffff) == 0) {
        // Each field's place hangs on the size before it: of most sizes the last byte is all, and sooner there than a number of four.
        store<u32>(to, <u32>field);
        position = field + load<u8>(position, 3);
      } else {
        const size = int32(position);
        if (size < -1) break;
        store<i32>(to, size < 0 ? -1 : <i32>field);
        position = size < 0 ? field : field + size;
      }
      // Once for the size and for what it counts. Up to four bytes behind the row have been read then, never more.
      if (position > next) break;
    }
    if (column < columns || position != next) break;
    at = next;
  }
  located = row;
  return at;
}

/** Fields of four bytes to 32-bit values. */
export function words32(starts: usize, from: u32, rows: u32, to: usize): u32 {
  nulls = 0;
  for (let row = from; row < rows; row++) {
    const start = startOf(starts, row);
    let value: i32 = 0;
    if (start < 0) nulls++;
    else value = int32(start);
    store<i32>(to + ((<usize>row) << 2), value);
  }
  return rows;
}

/** Fields of eight bytes to 64-bit values. */
export function words64(starts: usize, from: u32, rows: u32, to: usize): u32 {
  nulls = 0;
  for (let row = from; row < rows; row++) {
    const start = startOf(starts, row);
    let value: u64 = 0;
    if (start < 0) nulls++;
    else value = bswap<u64>(load<u64>(start));
    store<u64>(to + ((<usize>row) << 3), value);
  }
  return rows;
}

/** Days, of which `shift` is added to each. Stops before an infinity, which is an extreme integer. */
export function dates(starts: usize, from: u32, rows: u32, to: usize, shift: i32): u32 {
  nulls = 0;
  for (let row = from; row < rows; row++) {
    const start = startOf(starts, row);
    if (start < 0) {
      store<i32>(to + ((<usize>row) << 2), 0);
      nulls++;
      continue;
    }
    const days = int32(start);
    if (days == i32.MAX_VALUE || days == i32.MIN_VALUE) {
      store<i32>(to + ((<usize>row) << 2), 0);
      return row;
    }
    store<i32>(to + ((<usize>row) << 2), days + shift);
  }
  return rows;
}

/** Microseconds, of which `shift` (positive) is added to each. Stops before an infinity, and before what 64 bits cannot hold then. */
export function timestamps(starts: usize, from: u32, rows: u32, to: usize, shift: i64): u32 {
  nulls = 0;
  for (let row = from; row < rows; row++) {
    const start = startOf(starts, row);
    if (start < 0) {
      store<i64>(to + ((<usize>row) << 3), 0);
      nulls++;
      continue;
    }
    const micros = <i64>bswap<u64>(load<u64>(start));
    if (micros == i64.MIN_VALUE || micros > i64.MAX_VALUE - shift) {
      store<i64>(to + ((<usize>row) << 3), 0);
      return row;
    }
    store<i64>(to + ((<usize>row) << 3), micros + shift);
  }
  return rows;
}

/** `10 ** exponent`, 0 to 4. */
function power(exponent: i32): u32 {
  return exponent == 0 ? 1 : exponent == 1 ? 10 : exponent == 2 ? 100 : exponent == 3 ? 1000 : 10_000;
}

/** From 16 - 2n on: masks 16 bytes, of which n groups are kept. */
const KEPT = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0,
]);
/** From 2n on: turns the bytes of 16-bit groups around, and moves the groups up by 8 - n, zeros before them. */
const MOVED = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 3, 2, 5, 4, 7, 6, 9,
  8, 11, 10, 13, 12, 15, 14,
]);

/**
 * Numerics of up to 18 digits to integers in units of `10 ** -scale`. A numeric is its number of digits to the base of 10 000, the weight of the
 * first one, a sign, the places shown, then the digits. Stops before NaN, an infinity, one with more places than `scale` or more than six digits
 * (18 decimal ones have no more), and one whose size is not that of its digits.
 *
 * How many digits there are changes from row to row, which no branch can foresee, so there is none: the digits go to places by weight in a vector,
 * the last of them the one that the scale may cut, with zeros where there are none.
 */
export function numerics(starts: usize, from: u32, rows: u32, to: usize, scale: i32): u32 {
  nulls = 0;
  const places = (scale + 3) >> 2;
  // The last digit loses what the scale has no room for, the one before counts in units of what is left of it.
  const cut = (places << 2) - scale;
  const divisor = <u64>power(cut);
  const unit = <u64>power(4 - cut);
  // Times this, the quotient of 16 bits stands above bit 32, exact.
  const reciprocal: u64 = 0xffff_ffff / divisor + 1;
  const factors = i16x8(0, 0, 10_000, 1, 10_000, 1, <i16>unit, 0);
  for (let row = from; row < rows; row++) {
    const start = startOf(starts, row);
    if (start < 0) {
      store<i64>(to + ((<usize>row) << 3), 0);
      nulls++;
      continue;
    }
    // Size (32 bits), number of digits, weight: as they stand in the stream, the first byte the lowest.
    const head = load<u64>(start - 4);
    const digits = (head >> 40) & 0xff;
    const sign = uint16(start + 4);
    const first = <i32>(<i16>bswap<u16>(<u16>(head >> 48))) + places;
    if (
      sign >= SPECIAL ||
      (head & 0xffff_ffff_ffff) != ((digits << 40) | ((8 + 2 * digits) << 24)) ||
      <u32>first > 5 ||
      <i32>digits > first + 1
    ) {
      store<i64>(to + ((<usize>row) << 3), 0);
      return row;
    }
    const groups = i8x16.swizzle(
      v128.and(v128.load(start, 8), v128.load(KEPT + 16 - 2 * <usize>digits)),
      v128.load(MOVED + 2 * <usize>(first + 1)),
    );
    const last = <u64>i16x8.extract_lane_u(groups, 7);
    const quotient = (last * reciprocal) >> 32;
    if (quotient * divisor != last) {
      store<i64>(to + ((<usize>row) << 3), 0);
      return row;
    }
    const sums = i32x4.dot_i16x8_s(groups, factors);
    const upper = <u64>i32x4.extract_lane(sums, 1) * 100_000_000 + <u64>i32x4.extract_lane(sums, 2);
    const value = <i64>(upper * (10_000 * unit) + <u64>i32x4.extract_lane(sums, 3) + quotient);
    store<i64>(to + ((<usize>row) << 3), sign == NEGATIVE ? -value : value);
  }
  return rows;
}

/**
 * Gathers texts one behind the other from `to` on, and where each ends in `offsets`, counted from `base`. Each loses its first `skip` bytes.
 * Up to 15 bytes behind the last are overwritten. Stops before a text that does not fit before `limit`.
 */
export function texts(
  starts: usize,
  from: u32,
  rows: u32,
  skip: u32,
  to: usize,
  limit: usize,
  base: u32,
  offsets: usize,
): u32 {
  nulls = 0;
  const shift = base - <u32>to;
  let end = to;
  let row = from;
  for (; row < rows; row++) {
    const start = startOf(starts, row);
    if (start < 0) nulls++;
    else {
      const length = <u32>int32(start - 4) - skip;
      if (length > <u32>(limit - end)) break;
      const source = <usize>start + skip;
      v128.store(end, v128.load(source));
      if (length > 16) {
        if (length > 256) memory.copy(end, source, length);
        else for (let i: usize = 16; i < <usize>length; i += 16) v128.store(end + i, v128.load(source + i));
      }
      end += length;
    }
    store<u32>(offsets + ((<usize>row) << 2), <u32>end + shift);
  }
  gathered = end;
  return row;
}
