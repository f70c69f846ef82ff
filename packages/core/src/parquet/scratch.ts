/** Working memory that the columns of one encoder share: each use ends before the next begins. Grows, never shrinks. */
export class Scratch {
  private byteArray = new Uint8Array(1 << 16);
  private intArray = new Int32Array(1 << 12);

  /** At least `size` bytes. */
  bytes(size: number): Uint8Array {
    if (this.byteArray.length < size) this.byteArray = new Uint8Array(Math.ceil(size * 1.25));
    return this.byteArray;
  }

  /** At least `size` integers; the length is a multiple of eight. */
  ints(size: number): Int32Array {
    if (this.intArray.length < size) this.intArray = new Int32Array((Math.ceil(size * 1.25) + 7) & ~7);
    return this.intArray;
  }
}
