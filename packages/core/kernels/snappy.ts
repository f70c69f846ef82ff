/**
 * Unpacking of Snappy's blocks, compiled to WebAssembly by `npm run kernels`. This is AssemblyScript: see https://www.assemblyscript.org.
 * Format: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * Elements are short and of any kind in turn, so what costs is a branch foretold wrongly: nearly all are copied by one load and one store of
 * 16 bytes, whatever their length. What that writes beyond them is written over by the next element, or lies behind the output.
 */

// What is damaged: given back in place of the address at which the output ends, which is never that small.
const ENDS_IN_LITERAL: usize = 1;
const LITERAL_TOO_LONG: usize = 2;
const ENDS_IN_COPY: usize = 3;
const COPY_OUTSIDE: usize = 4;

/** Bytes of offset behind a tag by its kind: one byte in here for each kind. */
const OFFSET_BYTES: u32 = 0x04020100;
/** From here on the engine's own copy is faster than a loop. */
const LONG: u32 = 256;

/** The lowest `bytes` bytes of a word, 1 to 4. */
function mask(bytes: u32): u32 {
  return u32.MAX_VALUE >> (32 - (bytes << 3));
}

/** Copies the bytes from the 17th on, of `length` that begin at `from`, by 16. */
function copyRest(to: usize, from: usize, length: u32): void {
  const end = to + length;
  for (let at = to + 16, source = from + 16; at < end; at += 16, source += 16)
    v128.store(at, v128.load(source));
}

/** Writes `length` bytes, each of which is the one `offset` places (at most 15) before it, by words of eight. */
function repeat(to: usize, offset: u32, length: u32): void {
  const end = to + length;
  let from = to - offset;
  let at = to;
  // Of a word, as many bytes are right as lie between the places. With them the pattern is twice as long.
  while (at - from < 8) {
    store<u64>(at, load<u64>(from));
    at += at - from;
  }
  for (; at < end; at += 8, from += 8) store<u64>(at, load<u64>(from));
}

/**
 * Unpacks the elements in `[at, end)` to `to`; returns where the output ends, at most at `limit`, or what is damaged.
 * Up to 15 bytes behind `end` are read, and up to 15 behind `limit` are overwritten: the caller sees to it that there are 16 of each.
 */
export function decompress(at: usize, end: usize, to: usize, limit: usize): usize {
  const start = to;
  while (at < end) {
    const tag = <u32>load<u8>(at);
    at++;
    let length = (tag >> 2) + 1;
    if ((tag & 3) == 0) {
      if (length > 60) {
        const bytes = length - 60;
        if (bytes > <u32>(end - at)) return ENDS_IN_LITERAL;
        length = load<u32>(at) & mask(bytes);
        at += bytes;
        // One more would be none.
        if (length == u32.MAX_VALUE) return LITERAL_TOO_LONG;
        length++;
      }
      if (length > <u32>(end - at) || length > <u32>(limit - to)) return LITERAL_TOO_LONG;
      if (length >= LONG) memory.copy(to, at, length);
      else {
        v128.store(to, v128.load(at));
        if (length > 16) copyRest(to, at, length);
      }
      at += length;
      to += length;
      continue;
    }
    const bytes = (OFFSET_BYTES >> ((tag & 3) << 3)) & 7;
    if (bytes > <u32>(end - at)) return ENDS_IN_COPY;
    // The kinds come in no order that could be foretold: both readings of a tag are worked out, and one is taken.
    const short = bytes == 1;
    const stored = load<u32>(at) & mask(bytes);
    at += bytes;
    const offset = select<u32>(stored | ((tag & 0xe0) << 3), stored, short);
    length = select<u32>(((tag >> 2) & 7) + 4, length, short);
    // An offset of 0 is the largest of all when one is taken away.
    if (offset - 1 >= <u32>(to - start) || length > <u32>(limit - to)) return COPY_OUTSIDE;
    if (offset >= 16) {
      const from = to - offset;
      v128.store(to, v128.load(from));
      if (length > 16) copyRest(to, from, length);
    } else repeat(to, offset, length);
    to += length;
  }
  return to;
}
