import { concatVectors } from "../columns/concat.ts";
import { materialize } from "../columns/dictionary.ts";
import { sliceVector } from "../columns/slice.ts";
import type { Vector } from "../columns/vector.ts";
import { nullVector } from "../columns/null-vector.ts";
import { denseVector, type Nanoseconds } from "./dense.ts";
import { Encoding, PageType } from "./format.ts";
import { readHybrid } from "./hybrid-read.ts";
import { invalid, located } from "./invalid.ts";
import type { StoredChunk } from "./metadata.ts";
import { giveBody, takeInts, type TakeMemory } from "./page-memory.ts";
import { dataPage, dictionaryPage, readPage, type DataPage, type RawPage } from "./page-read.ts";
import type { RangeReader } from "./range-reader.ts";
import type { ReadLeaf } from "./read-type.ts";
import { decodeValues } from "./stored-values.ts";

/** Some whole rows of one leaf. */
export interface LeafRows {
  readonly slots: number;
  /** Absent where every slot has a value. */
  readonly definitions: Uint8Array | undefined;
  /** Absent outside of lists. */
  readonly repetitions: Uint8Array | undefined;
  /** The values, without nulls. */
  readonly dense: Vector;
}

/** How leaves are read. */
export interface LeafReadOptions {
  /** What to call the file in errors. */
  readonly name: string;
  readonly nanoseconds: Nanoseconds;
  /** Whether text that is stored by dictionary stays so; `all`: numbers too. */
  readonly dictionaries: boolean | "all";
  /** Where the large arrays of vectors come from. */
  readonly take: TakeMemory;
}

interface OpenPage extends Pick<DataPage, "slots" | "definitions" | "repetitions"> {
  readonly dense: Vector;
  /** First slot and value not yet taken. */
  slot: number;
  value: number;
}

/** Reads one column chunk, some rows at a time. */
export class LeafReader {
  private readonly leaf: ReadLeaf;
  private readonly chunk: StoredChunk;
  private readonly reader: RangeReader;
  private readonly options: LeafReadOptions;
  private dictionary: Vector | undefined;
  private page: OpenPage | undefined;
  private slotsRead = 0;

  constructor(leaf: ReadLeaf, chunk: StoredChunk, reader: RangeReader, options: LeafReadOptions) {
    this.leaf = leaf;
    this.chunk = chunk;
    this.reader = reader;
    this.options = options;
  }

  /** The next `rows` rows, which must be there. */
  async read(rows: number): Promise<LeafRows> {
    const parts: LeafRows[] = [];
    let left = rows;
    // A list may go on in the next page: its end is only seen at the next row's beginning.
    const nested = this.leaf.maxRepetition > 0;
    while (left > 0 || nested) {
      if (this.page === undefined || this.page.slot === this.page.slots) {
        if (!(await this.nextPage())) break;
        continue;
      }
      const { page } = this;
      const from = page.slot;
      let to = Math.min(page.slots, from + left);
      if (nested) {
        const { repetitions } = page;
        to = from;
        while (to < page.slots) {
          if (repetitions![to] === 0) {
            if (left === 0) break;
            left--;
          }
          to++;
        }
        if (to > from) parts.push(this.takeSlots(page, to));
        if (to < page.slots) break;
      } else {
        left -= to - from;
        parts.push(this.takeSlots(page, to));
      }
    }
    if (left > 0)
      throw located(
        invalid(`it ends ${left} rows before the row group does`),
        this.place(this.reader.position),
      );
    return this.joined(parts);
  }

  private takeSlots(page: OpenPage, to: number): LeafRows {
    const from = page.slot;
    const { definitions, repetitions, value } = page;
    let values = to - from;
    if (definitions !== undefined) {
      const max = this.leaf.maxDefinition;
      values = 0;
      for (let i = from; i < to; i++) if (definitions[i] === max) values++;
    }
    page.slot = to;
    page.value += values;
    return {
      slots: to - from,
      definitions: values === to - from ? undefined : definitions!.subarray(from, to),
      repetitions: repetitions?.subarray(from, to),
      dense: sliceVector(page.dense, value, value + values),
    };
  }

  private joined(parts: readonly LeafRows[]): LeafRows {
    const { leaf } = this;
    if (parts.length === 1) return this.shaped(parts[0]!);
    const slots = parts.reduce((sum, part) => sum + part.slots, 0);
    const some = parts.some((part) => part.definitions !== undefined);
    const definitions = some ? new Uint8Array(slots).fill(leaf.maxDefinition) : undefined;
    const repetitions = leaf.maxRepetition > 0 ? new Uint8Array(slots) : undefined;
    let at = 0;
    for (const part of parts) {
      if (part.definitions) definitions!.set(part.definitions, at);
      if (part.repetitions) repetitions!.set(part.repetitions, at);
      at += part.slots;
    }
    const vectors = parts.map((part) => part.dense).filter((dense) => dense.length > 0);
    const dense = vectors.length === 0 ? nullVector(leaf.type, 0) : concatVectors(vectors);
    return this.shaped({ slots, definitions, repetitions, dense });
  }

  private shaped(rows: LeafRows): LeafRows {
    return this.options.dictionaries ? rows : { ...rows, dense: materialize(rows.dense) };
  }

  /** Opens the next data page; `false` at the end of the chunk. */
  private async nextPage(): Promise<boolean> {
    const { reader, chunk } = this;
    while (this.slotsRead < chunk.slots) {
      const offset = reader.position;
      try {
        if (offset >= reader.end) throw invalid("it ends before its last page");
        const page = await readPage(reader);
        if (page.type === PageType.dictionary) await this.openDictionary(page);
        else if (page.type === PageType.data || page.type === PageType.dataV2) {
          await this.openData(page);
          return true;
        }
      } catch (error) {
        throw located(error, this.place(offset));
      }
    }
    return false;
  }

  private async openDictionary(page: RawPage): Promise<void> {
    const { leaf, chunk, options } = this;
    const { bytes, count } = await dictionaryPage(page, chunk.codec);
    const stored = decodeValues(Encoding.plain, leaf.physical, leaf.width, bytes, 0, count, options.take);
    this.dictionary = denseVector(leaf, stored, count, options.nanoseconds);
    giveUnpacked(bytes, page);
  }

  private async openData(raw: RawPage): Promise<void> {
    const { leaf, chunk, options, dictionary } = this;
    const page = await dataPage(raw, leaf, chunk.codec);
    this.slotsRead += page.slots;
    const { encoding, bytes, start, values } = page;
    let dense: Vector;
    if (values === 0) dense = nullVector(leaf.type, 0);
    else if (encoding === Encoding.rleDictionary || encoding === Encoding.plainDictionary) {
      if (dictionary === undefined) throw invalid("a page refers to a dictionary that is not there");
      const codes = readIndexes(bytes, start, values, dictionary.length, options.take);
      dense = {
        layout: "dictionary",
        type: leaf.type,
        length: values,
        nullCount: 0,
        validity: undefined,
        codes,
        dictionary,
      };
      // Mostly only text gains from staying a dictionary.
      if (dictionary.layout !== "bytes" && options.dictionaries !== "all") dense = materialize(dense);
    } else {
      const stored = decodeValues(encoding, leaf.physical, leaf.width, bytes, start, values, options.take);
      dense = denseVector(leaf, stored, values, options.nanoseconds);
    }
    const { slots, definitions, repetitions } = page;
    this.page = { slots, definitions, repetitions, dense, slot: 0, value: 0 };
    // Values are copies, and so are levels.
    giveUnpacked(bytes, raw);
  }

  private place(offset: number): string {
    return `${this.options.name}, column ${this.leaf.path.join(".")}, at byte ${offset}`;
  }
}

/** Gives back what a page was unpacked into. One that is not compressed is a part of its row group's bytes, of which other pages are still read. */
function giveUnpacked(bytes: Uint8Array, { body }: RawPage): void {
  if (bytes.buffer !== body.buffer) giveBody(bytes);
}

function readIndexes(
  bytes: Uint8Array,
  start: number,
  count: number,
  entries: number,
  take: TakeMemory,
): Int32Array {
  const width = bytes[start];
  if (width === undefined || width > 32) throw invalid(`a page has indexes of ${width ?? "no"} bits`);
  const codes = takeInts(take, count);
  readHybrid(bytes, start + 1, bytes.length, width, codes, count);
  // Indexes of so few bits cannot lead out of the dictionary.
  if (width < 31 && 2 ** width <= entries) return codes;
  for (let i = 0; i < count; i++)
    if (codes[i]! >>> 0 >= entries)
      throw invalid(`a page refers to entry ${codes[i]! >>> 0} of a dictionary of ${entries}`);
  return codes;
}
