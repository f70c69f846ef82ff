/** Whether bit `index` is set; least significant bit first. */
export function bitAt(bitmap: Uint8Array, index: number): boolean {
  return ((bitmap[index >> 3]! >> (index & 7)) & 1) === 1;
}

/** How many of the bits `[start, end)` are set. */
export function countOnes(bitmap: Uint8Array, start: number, end: number): number {
  let count = 0;
  let i = start;
  while (i < end && (i & 7) !== 0) count += (bitmap[i >> 3]! >> (i++ & 7)) & 1;
  for (; i + 8 <= end; i += 8) {
    // Population count of a byte: https://graphics.stanford.edu/~seander/bithacks.html#CountBitsSetParallel
    let byte = bitmap[i >> 3]!;
    byte -= (byte >> 1) & 0x55;
    byte = (byte & 0x33) + ((byte >> 2) & 0x33);
    count += (byte + (byte >> 4)) & 0x0f;
  }
  while (i < end) count += (bitmap[i >> 3]! >> (i++ & 7)) & 1;
  return count;
}

/** The bits `[start, start + length)` as a bitmap of their own; a view where they begin on a byte. */
export function sliceBits(bitmap: Uint8Array, start: number, length: number): Uint8Array {
  const first = start >> 3;
  const shift = start & 7;
  const bytes = (length + 7) >> 3;
  if (shift === 0) return bitmap.subarray(first, first + bytes);
  const slice = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++)
    slice[i] = (bitmap[first + i]! >> shift) | ((bitmap[first + i + 1] ?? 0) << (8 - shift));
  return slice;
}

/** Writes `count` bits of `source` from `sourceStart` over those of `target` from `targetStart`; no `source`: all ones. */
export function copyBits(
  source: Uint8Array | undefined,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const at = targetStart + i;
    if (source === undefined || bitAt(source, sourceStart + i)) target[at >> 3]! |= 1 << (at & 7);
    else target[at >> 3]! &= ~(1 << (at & 7));
  }
}
