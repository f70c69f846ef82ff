/** A bitmap of so many rows, least significant bit first, none set. */
export function bitmapFor(rows: number): Uint8Array {
  return new Uint8Array((rows + 7) >> 3);
}

/** Sets the bit of a row; tells whether it was not set before. */
export function setBit(bitmap: Uint8Array, row: number): boolean {
  const mask = 1 << (row & 7);
  if ((bitmap[row >> 3]! & mask) !== 0) return false;
  bitmap[row >> 3]! |= mask;
  return true;
}

/** The rows of `[start, start + length)` whose bit is `wanted`, counted from `start`. */
export function rowsWith(bitmap: Uint8Array, start: number, length: number, wanted: boolean): Int32Array {
  const rows = new Int32Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const row = start + i;
    if ((((bitmap[row >> 3]! >> (row & 7)) & 1) === 1) === wanted) rows[count++] = i;
  }
  return rows.subarray(0, count);
}

/** Whether any bit of `[start, end)` is set. */
export function anySet(bitmap: Uint8Array, start: number, end: number): boolean {
  for (let row = start; row < end;) {
    if ((row & 7) === 0 && row + 8 <= end && bitmap[row >> 3] === 0) row += 8;
    else if (((bitmap[row >> 3]! >> (row & 7)) & 1) === 1) return true;
    else row += 1;
  }
  return false;
}
