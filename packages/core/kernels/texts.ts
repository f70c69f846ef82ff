/**
 * Texts: those that came before, for dictionaries, and those of Parquet's PLAIN encoding. AssemblyScript; `npm run kernels` compiles it.
 * Everything is at addresses of one memory, which the caller lays out.
 *
 * Where values are few, a small table of those seen last tells nearly all of them without a hash of all their bytes.
 * The table has 64 sets of four places of 64 bytes: the value's index plus one (0: empty), its length, its bytes. A value's set is told by its
 * length and its first and last bytes; where a set is full, one of its values makes room.
 */
const PLACE: usize = 64;
const WAYS: u32 = 4;
const SET_BITS: u32 = 6;
/** The longest value that is kept. */
const LONGEST: u32 = 56;

/** The set for a value. */
function setOf(table: usize, at: usize, length: u32): usize {
  let hash = length;
  if (length >= 4) hash += (load<u32>(at) * 0x9e3779b1) ^ (load<u32>(at + length - 4) * 0x85ebca77);
  else if (length > 0) hash += (((<u32>load<u8>(at)) << 8) | <u32>load<u8>(at + length - 1)) * 0x9e3779b1;
  return table + <usize>(hash >> (32 - SET_BITS)) * WAYS * PLACE;
}

/** Whether two values of one length are equal, by words of which the last overlaps the one before. */
function same(a: usize, b: usize, length: u32): bool {
  if (length >= 8) {
    const last = <usize>length - 8;
    for (let i: usize = 0; i < last; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
    return load<u64>(a + last) == load<u64>(b + last);
  }
  if (length >= 4)
    return load<u32>(a) == load<u32>(b) && load<u32>(a + length - 4) == load<u32>(b + length - 4);
  for (let i: u32 = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** The index of a value plus one; 0 where the table does not have it. */
function indexOf(table: usize, at: usize, length: u32): u32 {
  let place = setOf(table, at, length);
  for (let way: u32 = 0; way < WAYS; way++, place += PLACE) {
    const known = load<u32>(place);
    if (known == 0) return 0;
    if (load<u32>(place, 4) == length && same(at, place + 8, length)) return known;
  }
  return 0;
}

/**
 * Writes the index of each value from `row` on to `out`, up to one that the table does not have, or `rows`; returns where it stopped. Value i is
 * at `data`, from `offsets[i]` to `offsets[i + 1]`.
 */
export function findTexts(table: usize, data: usize, offsets: usize, row: u32, rows: u32, out: usize): u32 {
  let start = load<u32>(offsets + ((<usize>row) << 2));
  for (let i = row; i < rows; i++) {
    const end = load<u32>(offsets + ((<usize>i) << 2), 4);
    const length = end - start;
    if (length > LONGEST) return i;
    const at = data + start;
    const known = indexOf(table, at, length);
    if (known == 0) return i;
    store<u32>(out + ((<usize>i) << 2), known - 1);
    start = end;
  }
  return rows;
}

/** Keeps value `row`, whose index is `index`, unless it is too long. */
export function keepText(table: usize, data: usize, offsets: usize, row: u32, index: u32): void {
  const start = load<u32>(offsets + ((<usize>row) << 2));
  const length = load<u32>(offsets + ((<usize>row) << 2), 4) - start;
  if (length > LONGEST) return;
  const at = data + start;
  const set = setOf(table, at, length);
  let way: u32 = 0;
  while (way < WAYS && load<u32>(set + way * PLACE) != 0) way++;
  const place = set + (way < WAYS ? way : index % WAYS) * PLACE;
  store<u32>(place, index + 1);
  store<u32>(place, length, 4);
  memory.copy(place + 8, at, length);
}

/**
 * Takes PLAIN texts apart, each behind its length in four bytes, from `from` on up to the first that is not whole before `end`, and at most `most`:
 * gathers their bytes from `to` on, and where each ends in `offsets`, counted from `base`. Up to 15 bytes behind the last are overwritten.
 * Returns how many.
 */
export function splitTexts(from: usize, end: usize, most: u32, offsets: usize, base: u32, to: usize): u32 {
  const shift = base - <u32>to;
  let at = from + 4;
  let out = to;
  let row: u32 = 0;
  for (; row < most && at <= end; row++) {
    const length = load<u32>(at - 4);
    if (length > <u32>(end - at)) break;
    if (length > 256) memory.copy(out, at, length);
    else for (let i: usize = 0; i < <usize>length; i += 16) v128.store(out + i, v128.load(at + i));
    out += length;
    at += <usize>length + 4;
    store<u32>(offsets + ((<usize>row) << 2), <u32>out + shift);
  }
  return row;
}
