import { Buffer } from "node:buffer";
import type { ColumnType } from "../schema/types.ts";
import { cutBytesAbove, cutBytesBelow, cutTextAbove, cutTextBelow } from "./cut.ts";
import { Encoding, MAGIC, PageType } from "./format.ts";
import { writeSchemaElements } from "./schema-elements.ts";
import type { Leaf, Shape } from "./shape.ts";
import { type Bounds, isText, type ParquetValue } from "./statistics.ts";
import { ThriftType, ThriftWriter } from "./thrift-writer.ts";

/** What the footer says of a row group that was written. */
export interface WrittenGroup {
  readonly rows: number;
  readonly offset: number;
  readonly chunks: readonly WrittenChunk[];
}

/** What the footer says of a column chunk that was written. */
export interface WrittenChunk {
  readonly leaf: Leaf;
  readonly codec: number;
  readonly values: number;
  readonly nulls: number;
  readonly bounds: Bounds | undefined;
  readonly encodings: ReadonlyMap<number, number>;
  readonly dictionaryOffset: number | undefined;
  readonly dataOffset: number;
  /** Headers and bodies, before and after compression. */
  readonly uncompressed: number;
  readonly compressed: number;
}

/** The footer's contents. */
export interface FooterParts {
  readonly shape: Shape;
  readonly rows: number;
  readonly groups: readonly WrittenGroup[];
  readonly createdBy: string;
  readonly keyValueMetadata: Readonly<Record<string, string>>;
}

/** Bounds in a footer are cut to about this size: they are for skipping row groups, not for reading values. */
const BOUND_LENGTH = 64;

/** The end of a file: metadata, its length, magic. */
export function encodeFooter(parts: FooterParts): Uint8Array {
  const metadata = encodeMetadata(parts);
  const footer = new Uint8Array(metadata.length + 8);
  footer.set(metadata);
  new DataView(footer.buffer).setUint32(metadata.length, metadata.length, true);
  footer.set(MAGIC, metadata.length + 4);
  return footer;
}

function encodeMetadata({ shape, rows, groups, createdBy, keyValueMetadata }: FooterParts): Uint8Array {
  const writer = new ThriftWriter(4096).open().i32(1, 1);
  writeSchemaElements(writer, 2, shape);
  writer.i64(3, rows).list(4, ThriftType.struct, groups.length);
  groups.forEach((group, ordinal) => writeGroup(writer, group, ordinal));
  const pairs = Object.entries(keyValueMetadata);
  if (pairs.length > 0) {
    writer.list(5, ThriftType.struct, pairs.length);
    for (const [key, value] of pairs) writer.open().string(1, key).string(2, value).close();
  }
  writer.string(6, createdBy).list(7, ThriftType.struct, shape.leaves.length);
  // Every column is ordered as its type defines; without this readers must not use the bounds.
  for (const _ of shape.leaves) writer.open().open(1).close().close();
  return writer.close().finish();
}

function writeGroup(writer: ThriftWriter, { rows, offset, chunks }: WrittenGroup, ordinal: number): void {
  writer.open().list(1, ThriftType.struct, chunks.length);
  for (const chunk of chunks) writeChunk(writer, chunk);
  writer
    .i64(
      2,
      chunks.reduce((sum, chunk) => sum + chunk.uncompressed, 0),
    )
    .i64(3, rows)
    .i64(5, offset)
    .i64(
      6,
      chunks.reduce((sum, chunk) => sum + chunk.compressed, 0),
    );
  // A 16-bit number that is left out where it cannot hold the ordinal.
  if (ordinal < 0x8000) writer.i16(7, ordinal);
  writer.close();
}

function writeChunk(writer: ThriftWriter, chunk: WrittenChunk): void {
  const { leaf, encodings, dictionaryOffset } = chunk;
  const used = new Set<number>([Encoding.rle, ...encodings.keys()]);
  if (dictionaryOffset !== undefined) used.add(Encoding.plain);
  writer.open().i64(2, 0).open(3);
  writer.i32(1, leaf.physical).list(2, ThriftType.i32, used.size);
  for (const encoding of used) writer.elementI32(encoding);
  writer.list(3, ThriftType.binary, leaf.path.length);
  for (const name of leaf.path) writer.elementString(name);
  writer.i32(4, chunk.codec).i64(5, chunk.values).i64(6, chunk.uncompressed).i64(7, chunk.compressed);
  writer.i64(9, chunk.dataOffset);
  if (dictionaryOffset !== undefined) writer.i64(11, dictionaryOffset);
  writeStatistics(writer, chunk);
  writer.list(13, ThriftType.struct, encodings.size + (dictionaryOffset === undefined ? 0 : 1));
  if (dictionaryOffset !== undefined)
    writer.open().i32(1, PageType.dictionary).i32(2, Encoding.plain).i32(3, 1).close();
  for (const [encoding, pages] of encodings)
    writer.open().i32(1, PageType.data).i32(2, encoding).i32(3, pages).close();
  writer.close().close();
}

function writeStatistics(writer: ThriftWriter, { leaf, nulls, bounds }: WrittenChunk): void {
  writer.open(12).i64(3, nulls);
  if (bounds !== undefined) {
    const { type, width } = leaf;
    const max = encodeBound(type, width, bounds.max);
    const min = encodeBound(type, width, bounds.min);
    const above = isBytes(type) ? cutAbove(type, max) : max;
    const below = isBytes(type) ? cutBelow(type, min) : min;
    if (above !== undefined) writer.binary(5, above);
    writer.binary(6, below);
    if (above !== undefined) writer.bool(7, above === max);
    writer.bool(8, below === min);
  }
  writer.close();
}

function isBytes({ kind }: ColumnType): boolean {
  return kind === "string" || kind === "json" || kind === "binary";
}

function cutAbove(type: ColumnType, value: Uint8Array): Uint8Array | undefined {
  return isText(type) ? cutTextAbove(value, BOUND_LENGTH) : cutBytesAbove(value, BOUND_LENGTH);
}

function cutBelow(type: ColumnType, value: Uint8Array): Uint8Array {
  const cut = isText(type) ? cutTextBelow(value, BOUND_LENGTH) : cutBytesBelow(value, BOUND_LENGTH);
  return cut.length === value.length ? value : cut;
}

/** A bound as PLAIN stores the value, without a length. */
function encodeBound(type: ColumnType, width: number, value: ParquetValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const bytes = Buffer.alloc(8);
  switch (type.kind) {
    case "boolean":
      return Uint8Array.of(value ? 1 : 0);
    case "float32":
      bytes.writeFloatLE(value as number);
      return bytes.subarray(0, 4);
    case "float64":
      bytes.writeDoubleLE(value as number);
      return bytes;
    case "int64":
    case "time":
    case "timestamp":
      bytes.writeBigInt64LE(value as bigint);
      return bytes;
    case "decimal": {
      if (width === 0) {
        bytes.writeBigInt64LE(value as bigint);
        return type.precision <= 9 ? bytes.subarray(0, 4) : bytes;
      }
      const wide = new Uint8Array(width);
      let rest = value as bigint;
      for (let i = width - 1; i >= 0; i--) {
        wide[i] = Number(rest & 255n);
        rest >>= 8n;
      }
      return wide;
    }
    default:
      bytes.writeInt32LE(value as number);
      return bytes.subarray(0, 4);
  }
}
