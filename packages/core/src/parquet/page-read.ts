import { crc32 } from "node:zlib";
import { AlluviumError } from "../errors.ts";
import { bitWidth } from "./bitpack.ts";
import { canDecompress, decompress } from "./compression.ts";
import { Codec, Encoding, nameOf, PageType } from "./format.ts";
import { readHybrid } from "./hybrid-read.ts";
import { invalid } from "./invalid.ts";
import type { RangeReader } from "./range-reader.ts";
import type { ReadLeaf } from "./read-type.ts";
import { countAt, EndOfBytes, numberAt, structAt, ThriftReader, type ThriftStruct } from "./thrift-reader.ts";

/** A page as it stands in the file. */
export interface RawPage {
  readonly type: number;
  readonly header: ThriftStruct;
  /** Size of the body before compression. */
  readonly size: number;
  readonly body: Uint8Array;
  /** Where its header begins in the file. */
  readonly offset: number;
}

/** A data page without its levels, values not yet decoded. */
export interface DataPage {
  readonly slots: number;
  /** Absent where every slot has a value. */
  readonly definitions: Uint8Array | undefined;
  /** Absent outside of lists. */
  readonly repetitions: Uint8Array | undefined;
  /** Slots that have a value. */
  readonly values: number;
  readonly encoding: number;
  readonly bytes: Uint8Array;
  /** Where the values begin in `bytes`. */
  readonly start: number;
}

const FIRST_LOOK = 256;
const MAX_HEADER = 1 << 24;
// No sensible page has more slots than this unless it has the bytes for them.
const FREE_SLOTS = 1 << 24;

/** The next page of a chunk. */
export async function readPage(reader: RangeReader): Promise<RawPage> {
  const offset = reader.position;
  const header = await readHeader(reader);
  const size = countAt(header, 2, "the size of a page");
  const stored = countAt(header, 3, "the stored size of a page");
  if (size > 0x7fff_ffff) throw invalid(`a page is said to have ${size} bytes`);
  const body = await reader.take(stored);
  const crc = numberAt(header, 4, "a checksum");
  if (crc !== undefined && (crc | 0) !== (crc32(body) | 0))
    throw invalid("the bytes of a page do not have the checksum in its header");
  return { type: numberAt(header, 1, "the type of a page") ?? -1, header, size, body, offset };
}

async function readHeader(reader: RangeReader): Promise<ThriftStruct> {
  for (let look = Math.max(FIRST_LOOK, reader.buffered); ; look *= 4) {
    const bytes = await reader.peek(look);
    const thrift = new ThriftReader(bytes);
    try {
      const header = thrift.struct();
      reader.position += thrift.position;
      return header;
    } catch (error) {
      // Statistics in a header can make it large; then it takes another look.
      if (!(error instanceof EndOfBytes)) throw error;
      if (bytes.length < look || look > MAX_HEADER) throw invalid("the header of a page is cut off");
    }
  }
}

/** The body of a dictionary page, decompressed, and how many values it holds. */
export async function dictionaryPage(
  page: RawPage,
  codec: number,
): Promise<{ readonly bytes: Uint8Array; readonly count: number }> {
  const header = structAt(page.header, 7, "the header of a dictionary page");
  if (header === undefined) throw invalid("a dictionary page has no header of its own");
  const encoding = numberAt(header, 2, "an encoding") ?? Encoding.plain;
  if (encoding !== Encoding.plain && encoding !== Encoding.plainDictionary)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `a dictionary in encoding ${nameOf(Encoding, encoding)} cannot be read`,
    );
  const count = countAt(header, 1, "the number of values of a dictionary");
  const bytes = await unpack(page.body, codec, page.size);
  if (count > bytes.length * 8)
    throw invalid(`a dictionary of ${bytes.length} bytes is said to hold ${count} values`);
  return { bytes, count };
}

/** Decompresses a data page and reads its levels. */
export async function dataPage(page: RawPage, leaf: ReadLeaf, codec: number): Promise<DataPage> {
  return page.type === PageType.dataV2 ? dataPageV2(page, leaf, codec) : dataPageV1(page, leaf, codec);
}

async function dataPageV1(page: RawPage, leaf: ReadLeaf, codec: number): Promise<DataPage> {
  const header = structAt(page.header, 5, "the header of a data page");
  if (header === undefined) throw invalid("a data page has no header of its own");
  const slots = slotsOf(header, page.size);
  const bytes = await unpack(page.body, codec, page.size);
  let start = 0;
  const levels = (
    max: number,
    encoding: number | undefined,
    read: typeof readDefinitions,
  ): Uint8Array | undefined => {
    if (max === 0) return undefined;
    if (encoding === Encoding.bitPacked) {
      const from = start;
      start += Math.ceil((bitWidth(max) * slots) / 8);
      if (start > bytes.length) throw invalid("the levels of a page are cut off");
      return readPackedLevels(bytes, from, max, slots);
    }
    if (encoding !== undefined && encoding !== Encoding.rle)
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        `levels in encoding ${nameOf(Encoding, encoding)} cannot be read`,
      );
    if (start + 4 > bytes.length) throw invalid("the levels of a page are cut off");
    const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(start, true);
    start += 4;
    if (length < 0 || length > bytes.length - start) throw invalid("the levels of a page are cut off");
    const from = start;
    start += length;
    return read(bytes, from, start, max, slots);
  };
  const repetitions = levels(leaf.maxRepetition, numberAt(header, 4, "an encoding"), readLevels);
  const definitions = levels(leaf.maxDefinition, numberAt(header, 3, "an encoding"), readDefinitions);
  return {
    slots,
    repetitions,
    ...valid(definitions, leaf.maxDefinition, slots),
    encoding: countAt(header, 2, "the encoding of a page"),
    bytes,
    start,
  };
}

async function dataPageV2(page: RawPage, leaf: ReadLeaf, codec: number): Promise<DataPage> {
  const header = structAt(page.header, 8, "the header of a data page");
  if (header === undefined) throw invalid("a data page has no header of its own");
  const slots = slotsOf(header, page.size);
  const definitionBytes = countAt(header, 5, "the size of the definition levels");
  const repetitionBytes = countAt(header, 6, "the size of the repetition levels");
  const { body, size } = page;
  const from = definitionBytes + repetitionBytes;
  if (from > body.length || from > size) throw invalid("the levels of a page are cut off");
  const values = body.subarray(from);
  // Levels are never compressed; an empty rest is not either, whatever the header says.
  const packed = header[7] !== false && size > from && values.length > 0;
  const bytes = await unpack(values, packed ? codec : Codec.none, size - from);
  const repetitions =
    leaf.maxRepetition > 0 ? readLevels(body, 0, repetitionBytes, leaf.maxRepetition, slots) : undefined;
  const definitions =
    leaf.maxDefinition > 0
      ? readDefinitions(body, repetitionBytes, from, leaf.maxDefinition, slots)
      : undefined;
  return {
    slots,
    repetitions,
    ...valid(definitions, leaf.maxDefinition, slots),
    encoding: countAt(header, 4, "the encoding of a page"),
    bytes,
    start: 0,
  };
}

function slotsOf(header: ThriftStruct, size: number): number {
  const slots = countAt(header, 1, "the number of values of a page");
  if (slots > Math.max(FREE_SLOTS, size * 8))
    throw invalid(`a page of ${size} bytes is said to hold ${slots} values`);
  return slots;
}

function readLevels(bytes: Uint8Array, start: number, end: number, max: number, slots: number): Uint8Array {
  const levels = new Uint8Array(slots);
  readHybrid(bytes, start, end, bitWidth(max), levels, slots);
  return checkLevels(levels, max);
}

/** Levels in the old encoding BIT_PACKED: without a length in front, and filled from each byte's highest bit down. */
function readPackedLevels(bytes: Uint8Array, start: number, max: number, slots: number): Uint8Array {
  const levels = new Uint8Array(slots);
  const width = bitWidth(max);
  for (let i = 0, bit = 8 * start; i < slots; i++) {
    let level = 0;
    for (const end = bit + width; bit < end; bit++)
      level = 2 * level + ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1);
    levels[i] = level;
  }
  return checkLevels(levels, max);
}

function checkLevels(levels: Uint8Array, max: number): Uint8Array {
  for (let i = 0; i < levels.length; i++)
    if (levels[i]! > max) throw invalid(`a page has the level ${levels[i]} where ${max} is the highest`);
  return levels;
}

/** Definition levels; `undefined` where all are the highest one, as in most pages, which hold no null. */
function readDefinitions(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
  slots: number,
): Uint8Array | undefined {
  return isOneRun(bytes, start, end, max, slots) ? undefined : readLevels(bytes, start, end, max, slots);
}

/** Whether levels are written as one run of a value below 256. */
function isOneRun(bytes: Uint8Array, start: number, end: number, value: number, count: number): boolean {
  let header = 0;
  for (let at = start, shift = 1; at < end && shift < 2 ** 35; shift *= 128) {
    const byte = bytes[at++]!;
    header += (byte & 127) * shift;
    if (byte >= 128) continue;
    return header % 2 === 0 && header / 2 >= count && at < end && bytes[at] === value;
  }
  return false;
}

function valid(
  definitions: Uint8Array | undefined,
  max: number,
  slots: number,
): Pick<DataPage, "definitions" | "values"> {
  if (definitions === undefined) return { definitions, values: slots };
  let values = 0;
  for (let i = 0; i < slots; i++) if (definitions[i] === max) values++;
  return { definitions: values === slots ? undefined : definitions, values };
}

async function unpack(bytes: Uint8Array, codec: number, size: number): Promise<Uint8Array> {
  if (!canDecompress(codec))
    throw new AlluviumError("ALV_UNSUPPORTED", `compression ${nameOf(Codec, codec)} cannot be read`);
  return decompress(bytes, codec, size);
}
