import type { BytesVector, Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { ByteDictionary } from "./byte-dictionary.ts";
import { Encoding } from "./format.ts";
import { grownInts } from "./grown-ints.ts";
import { encodeIndexes } from "./index-page.ts";
import { deltaBound, encodeDelta } from "./integers.ts";
import { KnownTexts } from "./known-texts.ts";
import { takeBody } from "./page-memory.ts";
import type { Scratch } from "./scratch.ts";
import type { Leaf } from "./shape.ts";
import { compareBytes, mergeBounds } from "./statistics.ts";
import {
  type ChunkEnd,
  DICTIONARY_BYTES,
  DICTIONARY_ENTRIES,
  type EncodingChoice,
  type PageBody,
  SAMPLE,
  type ValueEncoder,
} from "./values.ts";

// Copying by hand is faster than a view up to about this many bytes.
const SHORT = 48;
const FIRST_LOOK = 1024;

/**
 * Text and bytes. They begin with a dictionary; when it turns out not to pay, the open page goes back to plain values and the rest
 * of the chunk follows. Without a dictionary all bytes of a page stand together behind their packed lengths
 * (DELTA_LENGTH_BYTE_ARRAY), which takes one copy a page instead of one a value and compresses better.
 */
export class ByteValues implements ValueEncoder {
  count = 0;
  private readonly leaf: Leaf;
  private readonly choice: EncodingChoice;
  private readonly scratch: Scratch;
  private dictionary: ByteDictionary | undefined;
  private texts: KnownTexts | undefined;
  private direct: boolean;
  private referred = false;
  /** Indexes or lengths of the open page. */
  private numbers: Int32Array = new Int32Array(0);
  private data: Uint8Array = new Uint8Array(0);
  /** The same by words, where those were needed. */
  private dataWords: Int32Array | undefined;
  private dataLength = 0;
  private chunkValues = 0;
  private nextLook = FIRST_LOOK;
  private lookedSize = 0;
  private lookedValues = 0;
  private min: Uint8Array | undefined;
  private max: Uint8Array | undefined;
  // Indexes of a dictionary that many batches share, so that each of its values is looked up once.
  private sharedData: Uint8Array | undefined;
  private sharedOffsets: Int32Array | undefined;
  private sharedIndexes: Int32Array = new Int32Array(0);

  constructor(leaf: Leaf, choice: EncodingChoice, scratch: Scratch) {
    this.leaf = leaf;
    this.choice = choice;
    this.scratch = scratch;
    this.direct = !choice.dictionary;
  }

  get pageBytes(): number {
    return this.dataLength + 4 * this.count;
  }

  get memory(): number {
    return this.data.length + this.numbers.byteLength + this.dictionaryBytes;
  }

  get dictionaryBytes(): number {
    return (this.dictionary?.memory ?? 0) + (this.texts?.memory ?? 0);
  }

  append(
    vector: Vector,
    positions: Int32Array | undefined,
    start: number,
    end: number,
    shared: boolean,
  ): void {
    if (vector.layout !== "bytes")
      throw new AlluviumError(
        "ALV_INTERNAL",
        `column ${this.leaf.path.join(".")} of type ${this.leaf.type.kind} came with layout ${vector.layout}`,
      );
    this.numbers = grownInts(this.numbers, this.count + end - start);
    const from = this.direct ? start : this.index(vector, positions, start, end, shared);
    if (from < end) this.copy(vector, positions, from, end);
  }

  endPage(prefix: number): PageBody {
    const { count, dictionary, scratch } = this;
    this.count = 0;
    if (!this.direct && count > 0) {
      this.referred = true;
      this.dataLength = 0;
      const bytes = encodeIndexes(this.numbers, count, dictionary!.size, prefix, scratch);
      if (!this.pays()) this.direct = true;
      return { bytes, encoding: Encoding.rleDictionary };
    }
    const { numbers, data, dataLength } = this;
    this.chunkValues += count;
    this.dataLength = 0;
    if (count === 0) return { bytes: new Uint8Array(prefix), encoding: Encoding.plain };
    if (!this.choice.delta)
      return { bytes: plainBytes(numbers, data, count, dataLength, prefix), encoding: Encoding.plain };
    const lengths = scratch.bytes(prefix + deltaBound(count, 1));
    const end = encodeDelta(numbers, count, 1, lengths, prefix);
    const bytes = takeBody(end + dataLength);
    bytes.set(lengths.subarray(0, end));
    bytes.set(data.subarray(0, dataLength), end);
    // One huge value must not keep its memory for the rest of the file.
    if (data.length > 4 * dataLength + (1 << 20)) {
      this.data = new Uint8Array(0);
      this.dataWords = undefined;
    }
    return { bytes, encoding: Encoding.deltaLengthByteArray };
  }

  endChunk(): ChunkEnd {
    const { dictionary, min, max } = this;
    let bounds = min === undefined ? undefined : { min, max: max! };
    let page: ChunkEnd["dictionary"];
    if (dictionary !== undefined && this.referred) {
      if (this.choice.bounds) bounds = mergeBounds(bounds, dictionaryBounds(dictionary)) as typeof bounds;
      const { offsets, data, size } = dictionary;
      const lengths = this.scratch.ints(size);
      lengthsOf(offsets, 0, size, lengths, 0);
      page = { bytes: plainBytes(lengths, data, size, offsets[size]!, 0), count: size };
    }
    this.dictionary = undefined;
    this.texts = undefined;
    this.sharedData = undefined;
    this.sharedOffsets = undefined;
    this.referred = false;
    this.direct = !this.choice.dictionary;
    this.min = undefined;
    this.max = undefined;
    this.chunkValues = 0;
    this.nextLook = FIRST_LOOK;
    this.lookedSize = 0;
    this.lookedValues = 0;
    return { dictionary: page, bounds, sawNaN: false };
  }

  /** Takes rows by dictionary and returns the first that it left because the dictionary is given up. */
  private index(
    vector: BytesVector,
    positions: Int32Array | undefined,
    start: number,
    end: number,
    shared: boolean,
  ): number {
    const { offsets, data } = vector;
    this.dictionary ??= new ByteDictionary(DICTIONARY_ENTRIES, DICTIONARY_BYTES);
    const { dictionary, numbers } = this;
    const view = viewOf(data);
    const known = shared && positions !== undefined ? this.sharedWith(vector) : undefined;
    const indexOf = (row: number): number => dictionary.indexOf(data, view, offsets[row]!, offsets[row + 1]!);
    let from = start;
    while (from < end) {
      const to = Math.min(end, from + Math.max(1, this.nextLook - this.chunkValues));
      let { count } = this;
      let i = from;
      if (positions === undefined) {
        i = (this.texts ??= new KnownTexts()).index(vector, from, to, numbers, count, indexOf);
        count += i - from;
      }
      for (; i < to; i++) {
        const row = positions === undefined ? i : positions[i]!;
        let index = known === undefined ? -1 : known[row]!;
        if (index < 0) {
          index = indexOf(row);
          if (index < 0) break;
          if (known !== undefined) known[row] = index;
        }
        numbers[count++] = index;
      }
      this.chunkValues += i - from;
      this.count = count;
      from = i;
      if (i < to || (this.chunkValues >= this.nextLook && !this.pays())) {
        this.giveUp();
        return from;
      }
    }
    return from;
  }

  private sharedWith({ offsets, data, length }: BytesVector): Int32Array {
    if (this.sharedData !== data || this.sharedOffsets !== offsets) {
      this.sharedData = data;
      this.sharedOffsets = offsets;
      this.sharedIndexes = new Int32Array(length).fill(-1);
    }
    return this.sharedIndexes;
  }

  /** Whether the dictionary is still worth its room; sets when to ask again. */
  private pays(): boolean {
    this.nextLook = this.chunkValues < SAMPLE ? SAMPLE : this.chunkValues + 8 * SAMPLE;
    const { size } = this.dictionary!;
    const entries = size - this.lookedSize;
    const values = this.chunkValues - this.lookedValues;
    this.lookedSize = size;
    this.lookedValues = this.chunkValues;
    // New values in every other row since the last look are not repeated often enough.
    return size < FIRST_LOOK / 2 || entries * 2 < values;
  }

  /** Puts the open page back into plain values. */
  private giveUp(): void {
    const { numbers, count } = this;
    const { offsets, data } = this.dictionary!;
    this.direct = true;
    // Counted again when the page ends.
    this.chunkValues -= count;
    let size = 0;
    for (let i = 0; i < count; i++) size += offsets[numbers[i]! + 1]! - offsets[numbers[i]!]!;
    this.reserve(size);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const from = offsets[numbers[i]!]!;
      const to = offsets[numbers[i]! + 1]!;
      if (this.choice.bounds) this.bound(data, from, to);
      this.data.set(data.subarray(from, to), at);
      at += to - from;
      numbers[i] = to - from;
    }
    this.dataLength = at;
    if (!this.referred) this.dictionary = undefined;
  }

  private copy(vector: BytesVector, positions: Int32Array | undefined, start: number, end: number): void {
    const { offsets, data } = vector;
    const { numbers } = this;
    let { count } = this;
    if (positions === undefined) {
      lengthsOf(offsets, start, end, numbers, count);
      count += end - start;
      this.take(data, offsets[start]!, offsets[end]!);
    } else {
      const words = wordsOf(data);
      let runStart = 0;
      let runEnd = 0;
      for (let i = start; i < end; i++) {
        const row = positions[i]!;
        const from = offsets[row]!;
        const to = offsets[row + 1]!;
        numbers[count++] = to - from;
        if (from !== runEnd) {
          this.take(data, runStart, runEnd, words);
          runStart = from;
        }
        runEnd = to;
      }
      this.take(data, runStart, runEnd, words);
    }
    if (this.choice.bounds) this.boundAll(vector, positions, start, end);
    this.count = count;
  }

  private take(source: Uint8Array, from: number, to: number, words?: Int32Array): void {
    const size = to - from;
    if (size === 0) return;
    this.reserve(size);
    const { data, dataLength } = this;
    if (size >= SHORT) data.set(source.subarray(from, to), dataLength);
    else if (words !== undefined && ((from | dataLength | size) & 3) === 0) {
      // Ids, mostly.
      const target = (this.dataWords ??= wordsOf(data)!);
      const start = from >> 2;
      const at = dataLength >> 2;
      for (let i = 0; i < size >> 2; i++) target[at + i] = words[start + i]!;
    } else for (let i = 0; i < size; i++) data[dataLength + i] = source[from + i]!;
    this.dataLength = dataLength + size;
  }

  private reserve(size: number): void {
    const needed = this.dataLength + size;
    if (needed <= this.data.length) return;
    const data = new Uint8Array(Math.max(needed, Math.min(this.data.length * 2, needed + (1 << 20)), 4096));
    data.set(this.data.subarray(0, this.dataLength));
    this.data = data;
    this.dataWords = undefined;
  }

  private boundAll(
    { offsets, data }: BytesVector,
    positions: Int32Array | undefined,
    start: number,
    end: number,
  ): void {
    let i = start;
    if (this.min === undefined && i < end) {
      const row = positions === undefined ? i : positions[i]!;
      this.bound(data, offsets[row]!, offsets[row + 1]!);
    }
    let min = this.min!;
    let max = this.max!;
    // Values that rise, or fall, move a bound with each: it is copied once, at the end.
    let moved = false;
    // Most values are told from both bounds by their first bytes.
    const view = viewOf(data);
    let low = prefixOf(viewOf(min), 0, min.length);
    let top = prefixOf(viewOf(max), 0, max.length);
    let minFrom = 0;
    let minTo = min.length;
    let minData = min;
    let maxFrom = 0;
    let maxTo = max.length;
    let maxData = max;
    const words = wordsOf(data);
    let last = -1;
    for (; i < end; i++) {
      const row = positions === undefined ? i : positions[i]!;
      if (row === last) continue;
      last = row;
      const from = offsets[row]!;
      const to = offsets[row + 1]!;
      const first = to - from >= 4 ? view.getUint32(from) : prefixOf(view, from, to);
      if (first > low && first < top) continue;
      if (
        first >= top &&
        (maxData === data
          ? compareWithin(data, words, from, to, maxFrom, maxTo)
          : compareRanges(data, from, to, maxData, maxFrom, maxTo)) > 0
      ) {
        maxData = data;
        maxFrom = from;
        maxTo = to;
        top = first;
        moved = true;
      } else if (
        first <= low &&
        (minData === data
          ? compareWithin(data, words, from, to, minFrom, minTo)
          : compareRanges(data, from, to, minData, minFrom, minTo)) < 0
      ) {
        minData = data;
        minFrom = from;
        minTo = to;
        low = first;
        moved = true;
      }
    }
    if (!moved) return;
    if (minData === data) min = new Uint8Array(data.subarray(minFrom, minTo));
    if (maxData === data) max = new Uint8Array(data.subarray(maxFrom, maxTo));
    this.min = min;
    this.max = max;
  }

  private bound(data: Uint8Array, from: number, to: number): void {
    const { min, max } = this;
    if (min === undefined || max === undefined) {
      this.min = this.max = new Uint8Array(data.subarray(from, to));
      return;
    }
    if (compareSlice(data, from, to, min) < 0) this.min = new Uint8Array(data.subarray(from, to));
    else if (compareSlice(data, from, to, max) > 0) this.max = new Uint8Array(data.subarray(from, to));
  }
}

/** A function of its own: what follows a loop is compiled with it before it ever ran, and thrown away when it does. */
function lengthsOf(offsets: Int32Array, start: number, end: number, out: Int32Array, at: number): void {
  for (let i = start; i < end; i++) out[at + i - start] = offsets[i + 1]! - offsets[i]!;
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** The first four bytes as a number, zeros behind a shorter value: values are ordered as these are, or equal in them. */
function prefixOf(view: DataView, from: number, to: number): number {
  if (to - from >= 4) return view.getUint32(from);
  let prefix = 0;
  for (let i = 0; i < 4; i++) prefix = prefix * 256 + (from + i < to ? view.getUint8(from + i) : 0);
  return prefix;
}

/** Whole words of four bytes, where they begin at one. */
function wordsOf({ buffer, byteOffset, length }: Uint8Array): Int32Array | undefined {
  return byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, length >> 2) : undefined;
}

/** {@link compareRanges} of two values of one array: ids and paths begin alike, so four bytes at a time where they stand so. */
function compareWithin(
  data: Uint8Array,
  words: Int32Array | undefined,
  from: number,
  to: number,
  otherFrom: number,
  otherTo: number,
): number {
  if (words === undefined || ((from | otherFrom) & 3) !== 0)
    return compareRanges(data, from, to, data, otherFrom, otherTo);
  let a = from >> 2;
  let b = otherFrom >> 2;
  const end = a + (Math.min(to - from, otherTo - otherFrom) >> 2);
  while (a < end && words[a] === words[b]) {
    a++;
    b++;
  }
  if (a < end) return bigEndian(words[a]!) - bigEndian(words[b]!);
  return compareRanges(data, a << 2, to, data, b << 2, otherTo);
}

/** The number that four bytes are, the first of which is the lowest here. */
function bigEndian(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)) >>> 0;
}

function compareSlice(data: Uint8Array, from: number, to: number, other: Uint8Array): number {
  return compareRanges(data, from, to, other, 0, other.length);
}

function compareRanges(
  data: Uint8Array,
  from: number,
  to: number,
  other: Uint8Array,
  otherFrom: number,
  otherTo: number,
): number {
  const length = to - from;
  const otherLength = otherTo - otherFrom;
  const shared = Math.min(length, otherLength);
  for (let i = 0; i < shared; i++) {
    const difference = data[from + i]! - other[otherFrom + i]!;
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}

function dictionaryBounds({ offsets, data, size }: ByteDictionary): { min: Uint8Array; max: Uint8Array } {
  const at = (i: number) => data.subarray(offsets[i]!, offsets[i + 1]!);
  let min = at(0);
  let max = min;
  for (let i = 1; i < size; i++) {
    const value = at(i);
    if (compareBytes(value, min) < 0) min = value;
    else if (compareBytes(value, max) > 0) max = value;
  }
  return { min: min.slice(), max: max.slice() };
}

/** PLAIN: each value behind its length in four bytes. */
function plainBytes(
  lengths: Int32Array,
  data: Uint8Array,
  count: number,
  dataLength: number,
  prefix: number,
): Uint8Array {
  const out = takeBody(prefix + 4 * count + dataLength);
  let at = prefix;
  let from = 0;
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!;
    out[at] = length;
    out[at + 1] = length >>> 8;
    out[at + 2] = length >>> 16;
    out[at + 3] = length >>> 24;
    at += 4;
    if (length < SHORT) for (let j = 0; j < length; j++) out[at + j] = data[from + j]!;
    else out.set(data.subarray(from, from + length), at);
    at += length;
    from += length;
  }
  return out;
}
