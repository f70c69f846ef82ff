/** The ordinals of some rows that were written together; `undefined`: they have none, and come after all that was written before. */
export interface OrdinalRun {
  readonly length: number;
  readonly ordinals: BigInt64Array | undefined;
  readonly stretch: number;
}

/**
 * The positions of rows in the order in which they take effect: by stretch, then by ordinal, then as they were written. `undefined`: that is
 * the order of writing.
 */
export function changeOrder(runs: readonly OrdinalRun[]): Int32Array | undefined {
  if (isOrdered(runs)) return undefined;
  const rows = runs.reduce((sum, { length }) => sum + length, 0);
  const order = new Int32Array(rows);
  let at = 0;
  for (let first = 0; first < runs.length;) {
    let next = first + 1;
    while (next < runs.length && runs[next]!.stretch === runs[first]!.stretch) next += 1;
    const ordinals = ordinalsOf(runs.slice(first, next));
    order.set(sorted(ordinals, at), at);
    at += ordinals.length;
    first = next;
  }
  return order;
}

function isOrdered(runs: readonly OrdinalRun[]): boolean {
  let last: bigint | undefined;
  let stretch = -1;
  for (const run of runs) {
    if (run.stretch !== stretch) last = undefined;
    stretch = run.stretch;
    if (run.ordinals === undefined) continue;
    for (let i = 0; i < run.length; i++) {
      const ordinal = run.ordinals[i]!;
      if (last !== undefined && ordinal < last) return false;
      last = ordinal;
    }
  }
  return true;
}

/** The ordinals of a stretch; rows without one have the greatest that was written before them. */
function ordinalsOf(runs: readonly OrdinalRun[]): BigInt64Array {
  const all = new BigInt64Array(runs.reduce((sum, { length }) => sum + length, 0));
  let greatest = -(2n ** 63n);
  let at = 0;
  for (const { ordinals, length } of runs) {
    if (ordinals === undefined) all.fill(greatest, at, at + length);
    else {
      all.set(ordinals.subarray(0, length), at);
      for (let i = 0; i < length; i++) if (ordinals[i]! > greatest) greatest = ordinals[i]!;
    }
    at += length;
  }
  return all;
}

function sorted(ordinals: BigInt64Array, base: number): Int32Array {
  const { length } = ordinals;
  let least = ordinals[0]!;
  let greatest = least;
  for (const ordinal of ordinals) {
    if (ordinal < least) least = ordinal;
    if (ordinal > greatest) greatest = ordinal;
  }
  // An ordinal and the row's place in one exact double, which the engine sorts without calling us.
  if ((greatest - least + 1n) * BigInt(length) < 2n ** 53n) {
    const packed = new Float64Array(length);
    for (let i = 0; i < length; i++) packed[i] = Number(ordinals[i]! - least) * length + i;
    return Int32Array.from(packed.sort(), (value) => base + (value % length));
  }
  return Int32Array.from({ length }, (_, i) => i)
    .sort((a, b) => (ordinals[a]! < ordinals[b]! ? -1 : ordinals[a]! > ordinals[b]! ? 1 : a - b))
    .map((i) => base + i);
}
