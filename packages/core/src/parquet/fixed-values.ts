import type { FixedVector, Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import { bitWidth } from "./bitpack.ts";
import { Encoding } from "./format.ts";
import { grownInts } from "./grown-ints.ts";
import { encodeIndexes } from "./index-page.ts";
import { deltaBound, encodeDelta } from "./integers.ts";
import { bodyOf } from "./page-memory.ts";
import type { Scratch } from "./scratch.ts";
import type { Leaf } from "./shape.ts";
import { type Bounds, mergeBounds } from "./statistics.ts";
import {
  type ChunkEnd,
  DICTIONARY_BYTES,
  DICTIONARY_ENTRIES,
  type EncodingChoice,
  type PageBody,
  SAMPLE,
  type ValueEncoder,
} from "./values.ts";
import { plainWords } from "./word-plain.ts";
import { wordBounds } from "./word-bounds.ts";
import { WordDictionary, type Words } from "./word-dictionary.ts";

const STAGED = 4096;

/**
 * Values of a fixed width, kept as 32-bit words. The first values of a chunk are held back until it is known whether a dictionary
 * pays; integers without one are written as packed differences where that is smaller than plain.
 */
export class FixedValues implements ValueEncoder {
  count = 0;
  private readonly leaf: Leaf;
  private readonly words: Words;
  private readonly integer: boolean;
  private readonly choice: EncodingChoice;
  private readonly scratch: Scratch;
  private mode: "undecided" | "dictionary" | "direct" = "undecided";
  /** Words of the open page, unless they are indexes. */
  private values: Int32Array = new Int32Array(0);
  private indexes: Int32Array = new Int32Array(0);
  private dictionary: WordDictionary | undefined;
  /** A dictionary that did not pay, whose memory waits for the next try. */
  private spare: WordDictionary | undefined;
  /** Whether a page of the chunk refers to the dictionary. */
  private referred = false;
  private deltaPays: boolean;
  private bounds: Bounds | undefined;
  private sawNaN = false;
  /** Entries of the dictionary when the last page ended. */
  private pageEntries = 0;
  // Indexes of a dictionary that many batches share, so that each of its values is looked up once.
  private sharedValues: FixedVector["values"] | undefined;
  private sharedIndexes: Int32Array = new Int32Array(0);

  constructor(leaf: Leaf, choice: EncodingChoice, scratch: Scratch) {
    this.leaf = leaf;
    this.words = wordsOfType(leaf.type);
    this.integer = this.words < 4 && leaf.type.kind !== "float32" && leaf.type.kind !== "float64";
    this.choice = choice;
    this.scratch = scratch;
    this.deltaPays = choice.delta && this.integer;
    if (!choice.dictionary) this.mode = "direct";
  }

  get pageBytes(): number {
    return this.count * 4 * this.words;
  }

  get memory(): number {
    return (
      this.values.byteLength + this.indexes.byteLength + this.dictionaryBytes + (this.spare?.memory ?? 0)
    );
  }

  get dictionaryBytes(): number {
    return this.dictionary?.memory ?? 0;
  }

  append(
    vector: Vector,
    positions: Int32Array | undefined,
    start: number,
    end: number,
    shared: boolean,
  ): void {
    if (vector.layout !== "fixed")
      throw new AlluviumError(
        "ALV_INTERNAL",
        `column ${this.leaf.path.join(".")} of type ${this.leaf.type.kind} came with layout ${vector.layout}`,
      );
    const source = sourceOf(vector, this.words);
    let from = start;
    while (from < end) {
      if (this.mode === "dictionary" && shared && positions !== undefined)
        from = this.indexShared(vector, source, positions, from, end);
      if (from === end) return;
      if (this.mode === "dictionary") {
        const to = Math.min(end, from + STAGED);
        const staged = this.scratch.ints(STAGED * this.words);
        gather(source, this.words, positions, from, to, staged, 0);
        this.index(staged, to - from);
        from = to;
      } else {
        // The sample ends where the decision falls.
        const room = this.mode === "undecided" ? SAMPLE - this.count : end - from;
        const to = Math.min(end, from + room);
        this.values = grownInts(this.values, (this.count + to - from) * this.words);
        gather(source, this.words, positions, from, to, this.values, this.count * this.words);
        this.count += to - from;
        from = to;
        if (this.mode === "undecided" && this.count >= SAMPLE) this.decide();
      }
    }
  }

  endPage(prefix: number): PageBody {
    if (this.mode === "undecided" && this.count > 0) this.decide();
    const { count } = this;
    this.count = 0;
    if (this.mode === "dictionary" && count > 0) {
      const { dictionary } = this;
      this.referred = true;
      const bytes = encodeIndexes(this.indexes, count, dictionary!.size, prefix, this.scratch);
      // A dictionary that still grows by every other row costs more than it saves.
      const entries = dictionary!.size - this.pageEntries;
      this.pageEntries = dictionary!.size;
      if (dictionary!.size > SAMPLE / 2 && entries * 2 > count) this.mode = "direct";
      return { bytes, encoding: Encoding.rleDictionary };
    }
    return this.endDirect(count, prefix);
  }

  endChunk(): ChunkEnd {
    const { dictionary, leaf } = this;
    let { bounds, sawNaN } = this;
    let page: ChunkEnd["dictionary"];
    if (dictionary !== undefined && this.referred) {
      if (this.choice.bounds) {
        const found = wordBounds(leaf.type, dictionary.entries, dictionary.size);
        bounds = mergeBounds(bounds, found.bounds);
        sawNaN ||= found.sawNaN;
      }
      page = { bytes: plainWords(leaf, dictionary.entries, dictionary.size, 0), count: dictionary.size };
    }
    this.dictionary = undefined;
    this.sharedValues = undefined;
    this.referred = false;
    this.bounds = undefined;
    this.sawNaN = false;
    this.pageEntries = 0;
    this.deltaPays = this.choice.delta && this.integer;
    this.mode = this.choice.dictionary ? "undecided" : "direct";
    return { dictionary: page, bounds: sawNaN ? undefined : bounds, sawNaN };
  }

  /** Looks at the values held back: dictionary or not. */
  private decide(): void {
    const { count, words } = this;
    const dictionary = (this.spare ??= new WordDictionary(
      words,
      Math.min(DICTIONARY_ENTRIES, DICTIONARY_BYTES / (4 * words)),
    ));
    dictionary.clear();
    this.indexes = grownInts(this.indexes, count);
    this.mode = "direct";
    const limit = Math.max(1, count >> 1);
    if (dictionary.index(this.values, count, this.indexes, 0, limit) < count) return;
    // More rows are to come after a full sample, so that its entries are paid for by them too.
    const share = count >= SAMPLE ? 1 / 16 : 1;
    const entries = dictionary.size * 4 * words * share + 24;
    if (entries + (count * bitWidth(dictionary.size - 1)) / 8 >= 0.92 * this.directSize(count)) return;
    this.mode = "dictionary";
    this.dictionary = dictionary;
    this.spare = undefined;
  }

  /** About how many bytes the values held would take without a dictionary. */
  private directSize(count: number): number {
    const plain = count * 4 * this.words;
    if (!this.deltaPays) return plain;
    return Math.min(plain, this.encodeDelta(count, 0));
  }

  private index(staged: Int32Array, count: number): void {
    this.indexes = grownInts(this.indexes, this.count + count);
    const done = this.dictionary!.index(staged, count, this.indexes, this.count);
    this.count += done;
    if (done === count) return;
    // The dictionary is full: pages that are out stay as they are, the open one goes back to plain values.
    const { words, indexes } = this;
    const { entries } = this.dictionary!;
    this.mode = "direct";
    this.values = grownInts(this.values, (this.count + count - done) * words);
    for (let i = 0; i < this.count; i++)
      for (let w = 0; w < words; w++) this.values[i * words + w] = entries[indexes[i]! * words + w]!;
    this.values.set(staged.subarray(done * words, count * words), this.count * words);
    this.count += count - done;
    this.indexes = new Int32Array(0);
  }

  /** Takes rows of a dictionary of others and returns the first that it left, because ours is full. */
  private indexShared(
    { values, length }: FixedVector,
    source: Source,
    positions: Int32Array,
    start: number,
    end: number,
  ): number {
    if (this.sharedValues !== values) {
      this.sharedValues = values;
      this.sharedIndexes = new Int32Array(length).fill(-1);
    }
    this.indexes = grownInts(this.indexes, this.count + end - start);
    const { dictionary, indexes, words, sharedIndexes: known } = this;
    const value = this.scratch.ints(words);
    let at = this.count;
    let i = start;
    for (; i < end; i++) {
      const row = positions[i]!;
      let index = known[row]!;
      if (index < 0) {
        gather(source, words, undefined, row, row + 1, value, 0);
        if (dictionary!.index(value, 1, indexes, at) === 0) break;
        index = known[row] = indexes[at]!;
      }
      indexes[at++] = index;
    }
    this.count = at;
    return i;
  }

  private endDirect(count: number, prefix: number): PageBody {
    const { leaf, scratch } = this;
    if (count === 0) return { bytes: new Uint8Array(prefix), encoding: Encoding.plain };
    if (this.choice.bounds) {
      const found = wordBounds(leaf.type, this.values, count);
      this.sawNaN ||= found.sawNaN;
      this.bounds = mergeBounds(this.bounds, found.bounds);
    }
    if (this.deltaPays) {
      const end = this.encodeDelta(count, prefix);
      if (end - prefix < 0.9 * count * 4 * this.words)
        return { bytes: bodyOf(scratch.bytes(end), end), encoding: Encoding.deltaBinaryPacked };
      this.deltaPays = false;
    }
    return { bytes: plainWords(leaf, this.values, count, prefix), encoding: Encoding.plain };
  }

  /** Encodes into the scratch bytes and returns their end. */
  private encodeDelta(count: number, prefix: number): number {
    const width = this.words === 1 ? 1 : 2;
    const out = this.scratch.bytes(prefix + deltaBound(count, width));
    return encodeDelta(this.values, count, width, out, prefix);
  }
}

/** Words of 32 bits in which a value of this type is kept and stored. */
function wordsOfType(type: ColumnType): Words {
  switch (type.kind) {
    case "int64":
    case "time":
    case "timestamp":
    case "float64":
      return 2;
    case "decimal":
      return type.precision <= 9 ? 1 : type.precision <= 18 ? 2 : 4;
    case "uuid":
      return 4;
    default:
      return 1;
  }
}

interface Source {
  readonly words: Int32Array;
  /** Words from one value to the next; not those that are taken where a short decimal stands in 64 bits. */
  readonly stride: number;
}

function sourceOf({ values, type, length }: FixedVector, words: Words): Source {
  if (values.BYTES_PER_ELEMENT < 4 && type.kind !== "uuid")
    return { words: new Int32Array((values as Int8Array).subarray(0, length)), stride: 1 };
  const bytes = values.byteOffset % 4 === 0 ? values : new Uint8Array(values as Uint8Array);
  const stride = type.kind === "decimal" ? Math.max(2, words) : words;
  return { words: new Int32Array(bytes.buffer, bytes.byteOffset, length * stride), stride };
}

function gather(
  { words: source, stride }: Source,
  words: Words,
  positions: Int32Array | undefined,
  start: number,
  end: number,
  out: Int32Array,
  at: number,
): void {
  if (positions === undefined && stride === words) {
    out.set(source.subarray(start * words, end * words), at);
    return;
  }
  let o = at;
  if (words === 1)
    for (let i = start; i < end; i++)
      out[o++] = source[(positions === undefined ? i : positions[i]!) * stride]!;
  else
    for (let i = start; i < end; i++) {
      const from = (positions === undefined ? i : positions[i]!) * stride;
      for (let w = 0; w < words; w++) out[o++] = source[from + w]!;
    }
}
