import { bitWidth } from "./bitpack.ts";
import { hybridBound, writePackedBitmap, writeRun } from "./hybrid.ts";
import { encodeHybrid } from "./integers.ts";
import type { Scratch } from "./scratch.ts";

/** Definition and repetition levels of the open page of one leaf. */
interface PageLevels {
  /** Slots so far: values, nulls and empty lists. */
  readonly slots: number;
  /** Bytes held. */
  readonly memory: number;
  /** The levels as a data page (version 1) begins with them, as a view of the scratch bytes. Starts anew. */
  take(scratch: Scratch): Uint8Array;
}

/** A column that is never null and not inside a list has no levels: only its slots are counted. */
export class NoLevels implements PageLevels {
  slots = 0;
  readonly memory = 0;
  take(): Uint8Array {
    this.slots = 0;
    return new Uint8Array(0);
  }
}

/** A nullable top-level column: its levels are its validity bitmap, which exists only once a null was seen. */
export class FlatLevels implements PageLevels {
  slots = 0;
  private nulls = 0;
  private bits: Uint8Array = new Uint8Array(0);

  get memory(): number {
    return this.bits.length;
  }

  /** Takes rows `[start, end)` of a validity bitmap, of which `nulls` are null; no bitmap: all are valid, or all null. */
  append(validity: Uint8Array | undefined, start: number, end: number, nulls: number): void {
    const count = end - start;
    if (nulls > 0 && this.nulls === 0) this.ones(0, this.slots);
    this.nulls += nulls;
    if (this.nulls > 0) {
      if (nulls === 0) this.ones(this.slots, count);
      else if (validity !== undefined && nulls < count) this.bitsOf(validity, start, count);
      else this.room(this.slots + count);
    }
    this.slots += count;
  }

  take(scratch: Scratch): Uint8Array {
    const { slots, nulls, bits } = this;
    const out = scratch.bytes(16 + ((slots + 7) >> 3));
    let end = 4;
    if (slots === 0) end = 4;
    else if (nulls === 0) end = writeRun(1, slots, 1, out, 4);
    else if (nulls === slots) end = writeRun(0, slots, 1, out, 4);
    else end = writePackedBitmap(bits, slots, out, 4);
    setLength(out, 0, end - 4);
    bits.fill(0, 0, (slots + 7) >> 3);
    this.slots = 0;
    this.nulls = 0;
    return out.subarray(0, end);
  }

  private room(slots: number): void {
    const needed = (slots + 7) >> 3;
    if (needed <= this.bits.length) return;
    const bits = new Uint8Array(Math.max(needed, this.bits.length * 2, 128));
    bits.set(this.bits);
    this.bits = bits;
  }

  private ones(start: number, count: number): void {
    this.room(start + count);
    const { bits } = this;
    let i = start;
    const end = start + count;
    for (; i < end && (i & 7) !== 0; i++) bits[i >> 3]! |= 1 << (i & 7);
    const whole = (end - i) >> 3;
    if (whole > 0) bits.fill(0xff, i >> 3, (i >> 3) + whole);
    for (i += 8 * Math.max(0, whole); i < end; i++) bits[i >> 3]! |= 1 << (i & 7);
  }

  private bitsOf(validity: Uint8Array, start: number, count: number): void {
    this.room(this.slots + count + 8);
    const { bits } = this;
    // Eight rows at a time, shifted from where they stand to where they go.
    for (let done = 0; done < count; done += 8) {
      const from = start + done;
      let byte = validity[from >> 3]! >> (from & 7);
      if ((from & 7) !== 0) byte |= (validity[(from >> 3) + 1] ?? 0) << (8 - (from & 7));
      byte &= count - done < 8 ? (1 << (count - done)) - 1 : 0xff;
      const to = this.slots + done;
      bits[to >> 3]! |= byte << (to & 7);
      bits[(to >> 3) + 1]! |= byte >> (8 - (to & 7));
    }
  }
}

/** Levels of a leaf inside a struct, list or map. */
export class NestedLevels implements PageLevels {
  slots = 0;
  private readonly maxDefinition: number;
  private readonly maxRepetition: number;
  private definitions: Uint8Array = new Uint8Array(256);
  private repetitions: Uint8Array;

  constructor(maxDefinition: number, maxRepetition: number) {
    this.maxDefinition = maxDefinition;
    this.maxRepetition = maxRepetition;
    this.repetitions = new Uint8Array(maxRepetition > 0 ? 256 : 0);
  }

  get memory(): number {
    return this.definitions.length + this.repetitions.length;
  }

  append(definitions: Uint8Array, repetitions: Uint8Array, start: number, end: number): void {
    const needed = this.slots + end - start;
    if (needed > this.definitions.length) {
      const size = Math.max(needed, this.definitions.length * 2);
      this.definitions = grown(this.definitions, size);
      if (this.maxRepetition > 0) this.repetitions = grown(this.repetitions, size);
    }
    this.definitions.set(definitions.subarray(start, end), this.slots);
    if (this.maxRepetition > 0) this.repetitions.set(repetitions.subarray(start, end), this.slots);
    this.slots = needed;
  }

  take(scratch: Scratch): Uint8Array {
    const { slots, maxDefinition, maxRepetition } = this;
    const widths = [bitWidth(maxRepetition), bitWidth(maxDefinition)] as const;
    const out = scratch.bytes(8 + hybridBound(slots, widths[0]) + hybridBound(slots, widths[1]));
    let end = 0;
    if (maxRepetition > 0) {
      const from = end;
      end = encodeHybrid(this.repetitions, slots, widths[0], out, from + 4);
      setLength(out, from, end - from - 4);
    }
    if (maxDefinition > 0) {
      const from = end;
      end = encodeHybrid(this.definitions, slots, widths[1], out, from + 4);
      setLength(out, from, end - from - 4);
    }
    this.slots = 0;
    return out.subarray(0, end);
  }
}

function grown(array: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(size);
  next.set(array);
  return next;
}

function setLength(out: Uint8Array, at: number, length: number): void {
  out[at] = length;
  out[at + 1] = length >>> 8;
  out[at + 2] = length >>> 16;
  out[at + 3] = length >>> 24;
}
