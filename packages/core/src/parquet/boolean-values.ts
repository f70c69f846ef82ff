import type { Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { Encoding } from "./format.ts";
import type { Leaf } from "./shape.ts";
import type { ChunkEnd, PageBody, ValueEncoder } from "./values.ts";

/** Booleans: PLAIN, one bit a value. */
export class BooleanValues implements ValueEncoder {
  count = 0;
  readonly dictionaryBytes = 0;
  private readonly leaf: Leaf;
  private bits: Uint8Array = new Uint8Array(128);
  private sawTrue = false;
  private sawFalse = false;

  constructor(leaf: Leaf) {
    this.leaf = leaf;
  }

  get pageBytes(): number {
    return (this.count + 7) >> 3;
  }

  get memory(): number {
    return this.bits.length;
  }

  append(vector: Vector, positions: Int32Array | undefined, start: number, end: number): void {
    if (vector.layout !== "boolean")
      throw new AlluviumError(
        "ALV_INTERNAL",
        `column ${this.leaf.path.join(".")} of type boolean came with layout ${vector.layout}`,
      );
    const { values } = vector;
    const needed = (this.count + end - start + 7) >> 3;
    if (needed > this.bits.length) {
      const bits = new Uint8Array(Math.max(needed, this.bits.length * 2));
      bits.set(this.bits);
      this.bits = bits;
    }
    const { bits } = this;
    let { count } = this;
    let trues = 0;
    for (let i = start; i < end; i++) {
      const row = positions === undefined ? i : positions[i]!;
      const bit = (values[row >> 3]! >> (row & 7)) & 1;
      bits[count >> 3]! |= bit << (count & 7);
      trues += bit;
      count++;
    }
    if (trues > 0) this.sawTrue = true;
    if (trues < end - start) this.sawFalse = true;
    this.count = count;
  }

  endPage(prefix: number): PageBody {
    const size = (this.count + 7) >> 3;
    const bytes = new Uint8Array(prefix + size);
    bytes.set(this.bits.subarray(0, size), prefix);
    this.bits.fill(0, 0, size);
    this.count = 0;
    return { bytes, encoding: Encoding.plain };
  }

  endChunk(): ChunkEnd {
    const { sawTrue, sawFalse } = this;
    this.sawTrue = this.sawFalse = false;
    const bounds = sawTrue || sawFalse ? { min: !sawFalse, max: sawTrue } : undefined;
    return { dictionary: undefined, bounds, sawNaN: false };
  }
}
