/**
 * Values of a fixed width that came before: where they are few, a small table of those seen last tells nearly all of them. AssemblyScript;
 * `npm run kernels` compiles it. Everything is at addresses of one memory, which the caller lays out.
 *
 * The table has places of 16 bytes: the value, and its index plus one (0: empty). A value is in one of four places from that on which its bits lead to.
 */
const PLACE: usize = 16;
const WAYS: usize = 4 * PLACE;
const PLACE_BITS: u32 = 9;

function placeOf(table: usize, value: u64): usize {
  const hash = (<u32>value * 0x9e3779b1) ^ (<u32>(value >> 32) * 0x85ebca77);
  return table + <usize>(hash >> (32 - PLACE_BITS)) * PLACE;
}

/** Value `row` of `1 << size` bytes, 4 or 8. */
function valueAt(values: usize, row: u32, size: u32): u64 {
  const at = values + ((<usize>row) << (<usize>size));
  return size == 2 ? <u64>load<u32>(at) : load<u64>(at);
}

/** Writes the index of each value from `row` on to `out`, up to one that the table does not have, or `rows`; returns where it stopped. */
export function findWords(table: usize, values: usize, size: u32, row: u32, rows: u32, out: usize): u32 {
  for (let i = row; i < rows; i++) {
    const value = valueAt(values, i, size);
    let place = placeOf(table, value);
    let known = load<u32>(place, 8);
    if (load<u64>(place) != value || known == 0) {
      const end = place + WAYS;
      do {
        place += PLACE;
        if (place == end) return i;
        known = load<u32>(place, 8);
      } while (load<u64>(place) != value || known == 0);
    }
    store<u32>(out + ((<usize>i) << 2), known - 1);
  }
  return rows;
}

/** Keeps value `row`, whose index is `index`, in place of another if need be. */
export function keepWord(table: usize, values: usize, size: u32, row: u32, index: u32): void {
  const value = valueAt(values, row, size);
  const first = placeOf(table, value);
  let place = first;
  while (place < first + WAYS && load<u32>(place, 8) != 0) place += PLACE;
  if (place == first + WAYS) place = first + (index & 3) * PLACE;
  store<u64>(place, value);
  store<u32>(place, index + 1, 8);
}
