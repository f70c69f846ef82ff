/** The array, or a larger one with the same beginning and room for `size` integers: twice as large, or 65,536 more than are asked for. */
export function grownInts(array: Int32Array, size: number): Int32Array {
  if (array.length >= size) return array;
  const next = new Int32Array((Math.max(size, Math.min(array.length * 2, size + 65_536)) + 7) & ~7);
  next.set(array);
  return next;
}
