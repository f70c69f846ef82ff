import { BooleanValues } from "./boolean-values.ts";
import { ByteValues } from "./byte-values.ts";
import { ChunkPages, type ChunkParts, type PressureGauge } from "./chunk.ts";
import type { Vector } from "../columns/vector.ts";
import type { Compressor } from "./compression.ts";
import { FixedValues } from "./fixed-values.ts";
import { Physical } from "./format.ts";
import { FlatLevels, NestedLevels, NoLevels } from "./levels.ts";
import type { Scratch } from "./scratch.ts";
import type { Leaf } from "./shape.ts";
import type { Shredded } from "./shred.ts";
import type { EncodingChoice, ValueEncoder } from "./values.ts";

/** What all leaves of a file share. */
export interface LeafContext {
  readonly compressor: Compressor;
  readonly checksums: boolean;
  readonly gauge: PressureGauge;
  readonly scratch: Scratch;
  readonly pageBytes: number;
  readonly pageSlots: number;
}

/** Writes the column chunks of one leaf: cuts rows into pages and pages into chunks. */
export class LeafWriter {
  readonly leaf: Leaf;
  private readonly context: LeafContext;
  private readonly values: ValueEncoder;
  private readonly levels: NoLevels | FlatLevels | NestedLevels;
  private readonly pages: ChunkPages;
  private nulls = 0;

  constructor(leaf: Leaf, choice: EncodingChoice, context: LeafContext) {
    this.leaf = leaf;
    this.context = context;
    this.values = valueEncoder(leaf, choice, context.scratch);
    this.levels = levelsOf(leaf);
    this.pages = new ChunkPages(leaf, context.compressor, context.checksums, context.gauge);
  }

  /** Bytes held for the open page and the dictionary. */
  get memory(): number {
    return this.values.memory + this.levels.memory;
  }

  /** How many bytes the open page would take if its values were stored plainly. */
  get openBytes(): number {
    return this.values.pageBytes;
  }

  /** Bytes of the open page and the dictionary, which the end of the chunk frees. */
  get chunkBytes(): number {
    return this.values.pageBytes + this.values.dictionaryBytes;
  }

  /** Takes rows `[start, end)` of a top-level column. The caller has seen that nulls are allowed where there are some. */
  appendFlat(vector: Vector, start: number, end: number): void {
    let from = start;
    while (from < end) {
      const to = this.cut(vector, from, end);
      this.appendRows(vector, from, to);
      from = to;
      this.endFullPage();
    }
  }

  /** Takes the slots of whole rows. */
  appendNested({ vector, definitions, repetitions, positions, shared }: Shredded): void {
    const { pageSlots, pageBytes } = this.context;
    const total = definitions.length;
    const { maxDefinition } = this.leaf;
    // Pages are cut by the average size of a value: batches are small against what a page may be off by.
    const average = vector.layout === "bytes" ? averageBytes(vector.offsets, vector.length) + 4 : 1;
    const step = Math.max(1, Math.floor(pageBytes / average));
    let from = 0;
    let value = 0;
    while (from < total) {
      let to = Math.min(total, from + Math.max(1, Math.min(step, pageSlots - this.levels.slots)));
      while (to < total && repetitions[to]! > 0) to++;
      let valid = 0;
      for (let i = from; i < to; i++) if (definitions[i] === maxDefinition) valid++;
      this.nulls += to - from - valid;
      (this.levels as NestedLevels).append(definitions, repetitions, from, to);
      if (valid > 0) this.values.append(vector, positions, value, value + valid, shared);
      value += valid;
      from = to;
      this.endFullPage();
    }
  }

  /** Throws what went wrong in the background. */
  check(): void {
    this.pages.check();
  }

  /** Ends the chunk and starts the next. The encoding is done when this returns; the promise waits for the compression. */
  endChunk(): Promise<ChunkParts> {
    this.endPage();
    const { nulls } = this;
    this.nulls = 0;
    const { dictionary, bounds, sawNaN } = this.values.endChunk();
    return this.pages.end(nulls, dictionary, bounds, sawNaN);
  }

  /** Up to which row the open page has room. */
  private cut(vector: Vector, start: number, end: number): number {
    const { pageSlots, pageBytes } = this.context;
    const slots = Math.min(end, start + Math.max(1, pageSlots - this.levels.slots));
    if (vector.layout === "dictionary" && vector.dictionary.layout === "bytes") {
      // Without looking at the codes: few rows at a time when the values are large.
      const average = averageBytes(vector.dictionary.offsets, vector.dictionary.length) + 4;
      return Math.min(slots, start + Math.max(1024, Math.floor(pageBytes / average)));
    }
    if (vector.layout !== "bytes") return slots;
    const { offsets } = vector;
    const limit = offsets[start]! + Math.max(1, pageBytes - this.values.pageBytes);
    if (offsets[slots]! <= limit) return slots;
    let low = start + 1;
    let top = slots;
    while (low < top) {
      const middle = (low + top) >> 1;
      if (offsets[middle]! < limit) low = middle + 1;
      else top = middle;
    }
    return low;
  }

  private appendRows(vector: Vector, start: number, end: number): void {
    const { levels } = this;
    const { validity, nullCount } = vector;
    if (levels instanceof NoLevels) levels.slots += end - start;
    let rows: Vector = vector;
    let positions: Int32Array | undefined;
    let from = start;
    let to = end;
    if (nullCount > 0) {
      positions = validity === undefined ? new Int32Array(0) : validRows(validity, start, end);
      const nulls = end - start - positions.length;
      this.nulls += nulls;
      if (levels instanceof FlatLevels) levels.append(validity, start, end, nulls);
      if (nulls === 0) positions = undefined;
      else {
        from = 0;
        to = positions.length;
      }
    } else if (levels instanceof FlatLevels) levels.append(undefined, start, end, 0);
    if (from === to) return;
    const shared = rows.layout === "dictionary";
    while (rows.layout === "dictionary") {
      positions = positions === undefined ? rows.codes : through(rows.codes, positions, from, to);
      if (positions !== rows.codes) {
        to -= from;
        from = 0;
      }
      rows = rows.dictionary;
    }
    this.values.append(rows, positions, from, to, shared);
  }

  private endFullPage(): void {
    const { pageSlots, pageBytes } = this.context;
    if (this.levels.slots >= pageSlots || this.values.pageBytes >= pageBytes) this.endPage();
  }

  private endPage(): void {
    const { slots } = this.levels;
    if (slots === 0) return;
    // The values are encoded behind room for the levels, so that the page is made in one array.
    const levels = this.levels.take(this.context.scratch).slice();
    const plain = this.values.pageBytes;
    const { bytes, encoding } = this.values.endPage(levels.length);
    bytes.set(levels);
    this.context.gauge.enter(plain, bytes.length);
    this.pages.add(bytes, encoding, slots);
  }
}

function valueEncoder(leaf: Leaf, choice: EncodingChoice, scratch: Scratch): ValueEncoder {
  if (leaf.physical === Physical.boolean) return new BooleanValues(leaf);
  if (leaf.physical === Physical.byteArray) return new ByteValues(leaf, choice, scratch);
  return new FixedValues(leaf, choice, scratch);
}

function levelsOf({ maxDefinition, maxRepetition, path }: Leaf): NoLevels | FlatLevels | NestedLevels {
  if (path.length > 1) return new NestedLevels(maxDefinition, maxRepetition);
  return maxDefinition === 0 ? new NoLevels() : new FlatLevels();
}

function validRows(validity: Uint8Array, start: number, end: number): Int32Array {
  const rows = new Int32Array(end - start);
  let count = 0;
  for (let i = start; i < end; i++) {
    rows[count] = i;
    count += (validity[i >> 3]! >> (i & 7)) & 1;
  }
  return rows.subarray(0, count);
}

function through(codes: Int32Array, positions: Int32Array, start: number, end: number): Int32Array {
  const rows = new Int32Array(end - start);
  for (let i = start; i < end; i++) rows[i - start] = codes[positions[i]!]!;
  return rows;
}

function averageBytes(offsets: Int32Array, length: number): number {
  return length === 0 ? 0 : Math.ceil((offsets[length]! - offsets[0]!) / length);
}
