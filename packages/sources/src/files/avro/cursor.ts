import { AlluviumError } from "@alluvium/core";

/** Reads the binary encoding of values. Source: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding */
export class AvroCursor {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  end: number;
  /** The two halves of the number that {@link AvroCursor.long} read last. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** Reads a `long` into `low` and `high`. */
  long(): void {
    const { bytes } = this;
    let at = this.at;
    let byte = bytes[at++]!;
    let low = byte & 127;
    let middle = 0;
    let top = 0;
    if (byte >= 128) {
      let shift = 7;
      for (; shift < 28; shift += 7) {
        byte = bytes[at++]!;
        low |= (byte & 127) << shift;
        if (byte < 128) break;
      }
      if (byte >= 128) {
        for (shift = 0; shift < 28; shift += 7) {
          byte = bytes[at++]!;
          middle |= (byte & 127) << shift;
          if (byte < 128) break;
        }
        if (byte >= 128) {
          byte = bytes[at++]!;
          top = byte & 127;
          if (byte >= 128) {
            byte = bytes[at++]!;
            if (byte > 1) throw damaged("a number is too long");
            top |= byte << 7;
          }
        }
      }
    }
    if (at > this.end) throw damaged("it ends within a value");
    this.at = at;
    const first = low | (middle << 28);
    const second = (middle >>> 4) | (top << 24);
    const sign = -(first & 1);
    this.low = ((first >>> 1) | (second << 31)) ^ sign;
    this.high = (second >>> 1) ^ sign;
  }

  /** Reads an `int`. */
  int(): number {
    this.long();
    if (this.high !== this.low >> 31) throw damaged("an int has more than 32 bits");
    return this.low;
  }

  /** Reads a `long`. */
  bigint(): bigint {
    this.long();
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }

  /** Reads a `long` that counts something in memory. */
  count(): number {
    this.long();
    const value = this.high * 2 ** 32 + (this.low >>> 0);
    if (!Number.isSafeInteger(value)) throw damaged("a size is too large");
    return value;
  }

  /** Moves over `size` bytes and gives where they begin. */
  skip(size: number): number {
    const { at } = this;
    if (size < 0 || size > this.end - at) throw damaged(`a value of ${size} bytes goes beyond its block`);
    this.at = at + size;
    return at;
  }

  /** The number of the branch of a union, or of the symbol of an enum. */
  index(count: number, of: string): number {
    const index = this.int();
    if (index < 0 || index >= count) throw damaged(`${of} ${index} of ${count}`);
    return index;
  }

  /** Calls `each` for the items of an array or map, which come in blocks. */
  items(each: () => void): void {
    for (let free = FREE_ITEMS; ;) {
      let count = this.count();
      if (count === 0) return;
      if (count < 0) {
        count = -count;
        this.count();
      }
      for (let i = 0; i < count; i++) {
        const { at } = this;
        each();
        // Items without bytes could be said to be any number.
        if (this.at === at && --free < 0) throw damaged(`an array has ${count} items without bytes`);
      }
    }
  }
}

const FREE_ITEMS = 1 << 20;

/** What cannot be decoded; where it stands is added by who knows. */
export function damaged(what: string): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", what);
}
