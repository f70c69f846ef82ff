import type * as Arrow from "apache-arrow";
import { AlluviumError } from "../errors.ts";
import type { ColumnType, Field, ListType, MapType, StructType } from "../schema/types.ts";
import { ArrowKind, fieldOfArrow, type ArrowParameters } from "./arrow-type.ts";
import { decimalWords, fixedValues } from "./builder.ts";
import { countOnes, sliceBits } from "./bitmap.ts";
import { DAY_MICROS } from "./calendar.ts";
import { writeDecimal } from "./decimal.ts";
import { materialize } from "./dictionary.ts";
import { sliceVector } from "./slice.ts";
import { checkedOffset } from "./take.ts";
import type { DictionaryVector, FixedValues, Vector } from "./vector.ts";

/** What is read of Arrow's data, whichever type it has. */
interface ArrowData {
  readonly type: Arrow.DataType;
  readonly length: number;
  /** Where the bits of bitmaps begin; other arrays are cut already. */
  readonly offset: number;
  readonly values: ArrayLike<number> & ArrayLike<bigint> & Uint8Array;
  readonly valueOffsets: Int32Array | BigInt64Array;
  readonly nullBitmap: Uint8Array | null | undefined;
  readonly children: readonly Arrow.Data[];
  readonly dictionary?: Arrow.Vector;
  readonly variadicBuffers?: readonly Uint8Array[];
}

/** A column of Arrow as ours; no vector where the column has no data at all. */
export function readArrowColumn(
  source: Arrow.Field,
  data: Arrow.Data | undefined,
): { readonly field: Field; readonly vector: Vector | undefined } {
  const field = fieldOfArrow(source);
  return { field, vector: data && readData(data, field) };
}

interface Base {
  readonly type: ColumnType;
  readonly length: number;
  readonly nullCount: number;
  readonly validity: Uint8Array | undefined;
}

function readData(source: Arrow.Data, field: Field): Vector {
  const data = source as unknown as ArrowData;
  const { length } = data;
  const { type } = field;
  const bits = data.nullBitmap?.length ? data.nullBitmap : undefined;
  const nullCount = bits === undefined ? 0 : length - countOnes(bits, data.offset, data.offset + length);
  const validity = bits === undefined || nullCount === 0 ? undefined : sliceBits(bits, data.offset, length);
  const base: Base = { type, length, nullCount, validity };
  const parameters = data.type as unknown as ArrowParameters;
  switch (parameters.typeId) {
    case ArrowKind.null:
      return { ...base, nullCount: length, layout: "null", validity: undefined };
    case ArrowKind.bool:
      return { ...base, layout: "boolean", values: sliceBits(data.values, data.offset, length) };
    case ArrowKind.utf8:
    case ArrowKind.binary:
    case ArrowKind.largeUtf8:
    case ArrowKind.largeBinary:
      return { ...base, layout: "bytes", offsets: narrowOffsets(data, length), data: data.values };
    case ArrowKind.utf8View:
    case ArrowKind.binaryView:
      return { ...base, layout: "bytes", ...readViews(data, base) };
    case ArrowKind.fixedSizeBinary:
      if (type.kind === "uuid") return { ...base, layout: "fixed", values: data.values };
      return {
        ...base,
        layout: "bytes",
        offsets: evenOffsets(length, parameters.byteWidth),
        data: data.values,
      };
    case ArrowKind.list:
    case ArrowKind.largeList:
    case ArrowKind.fixedSizeList: {
      const offsets =
        parameters.typeId === ArrowKind.fixedSizeList
          ? evenOffsets(length, parameters.listSize)
          : narrowOffsets(data, length);
      return {
        ...base,
        layout: "list",
        offsets,
        child: readData(data.children[0]!, (type as ListType).element),
      };
    }
    case ArrowKind.map: {
      const { key, value } = type as MapType;
      const entries = data.children[0]!;
      const [keys, values] = [readData(entries.children[0]!, key), readData(entries.children[1]!, value)];
      return { ...base, layout: "map", offsets: narrowOffsets(data, length), keys, values };
    }
    case ArrowKind.struct: {
      const { fields } = type as StructType;
      const children = fields.map((member, i) => sliceVector(readData(data.children[i]!, member), 0, length));
      return { ...base, layout: "struct", children };
    }
    case ArrowKind.dictionary:
      return readDictionary(data, base, field);
    default:
      return { ...base, layout: "fixed", values: readFixed(data, parameters, base, field.name) };
  }
}

function readDictionary(data: ArrowData, base: Base, field: Field): Vector {
  const chunks = (data.dictionary?.data ?? []).map((chunk) => readData(chunk, { ...field, nullable: true }));
  const codes =
    (data.values as unknown) instanceof Int32Array
      ? (data.values as unknown as Int32Array)
      : Int32Array.from(data.values as ArrayLike<number | bigint>, Number);
  const parts = chunks.map((dictionary): DictionaryVector => ({
    ...base,
    layout: "dictionary",
    codes,
    dictionary,
  }));
  const [only] = parts;
  if (only === undefined || parts.length > 1)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `column "${field.name}": a dictionary of several chunks; join them before`,
    );
  // Our dictionaries have no nulls: one that has is resolved.
  return only.dictionary.nullCount > 0 ? materialize(only) : only;
}

function narrowOffsets({ valueOffsets }: ArrowData, length: number): Int32Array {
  if (valueOffsets instanceof Int32Array) return valueOffsets;
  return Int32Array.from(valueOffsets.subarray(0, length + 1), (offset) => checkedOffset(Number(offset)));
}

function evenOffsets(length: number, width: number): Int32Array {
  const offsets = new Int32Array(length + 1);
  for (let row = 0; row <= length; row++) offsets[row] = checkedOffset(row * width);
  return offsets;
}

/** Views of 16 bytes: length, then up to 12 bytes of the value itself, or a prefix, the number of a buffer and the place in it. */
function readViews(data: ArrowData, { length, validity }: Base): { offsets: Int32Array; data: Uint8Array } {
  const views = new DataView(data.values.buffer, data.values.byteOffset, data.values.byteLength);
  const isNull = (row: number): boolean =>
    validity !== undefined && ((validity[row >> 3]! >> (row & 7)) & 1) === 0;
  const offsets = new Int32Array(length + 1);
  for (let row = 0; row < length; row++)
    offsets[row + 1] = checkedOffset(offsets[row]! + (isNull(row) ? 0 : views.getInt32(16 * row, true)));
  const bytes = new Uint8Array(offsets[length]!);
  for (let row = 0; row < length; row++) {
    const start = offsets[row]!;
    const size = offsets[row + 1]! - start;
    if (size <= 12) bytes.set(data.values.subarray(16 * row + 4, 16 * row + 4 + size), start);
    else {
      const buffer = data.variadicBuffers![views.getInt32(16 * row + 8, true)]!;
      const at = views.getInt32(16 * row + 12, true);
      bytes.set(buffer.subarray(at, at + size), start);
    }
  }
  return { offsets, data: bytes };
}

function readFixed(data: ArrowData, arrow: ArrowParameters, base: Base, name: string): FixedValues {
  const { type } = base;
  switch (arrow.typeId) {
    case ArrowKind.decimal:
      return readDecimals(data, arrow.bitWidth / 32, base);
    case ArrowKind.int:
      if (arrow.isSigned) return data.values;
      if (type.kind === "decimal")
        return decimals(base, (row) => BigInt.asUintN(64, (data.values as ArrayLike<bigint>)[row]!));
      if (type.kind === "int64")
        return BigInt64Array.from(Array.from(data.values as ArrayLike<number>, BigInt));
      return type.kind === "int32" ? Int32Array.from(data.values) : Int16Array.from(data.values);
    case ArrowKind.float:
      return arrow.precision === 0 ? Float32Array.from(data.values, halfToNumber) : data.values;
    case ArrowKind.date:
      if (arrow.unit === 0) return data.values;
      return rescaled(data, base, (value) => exactly(value, BigInt(DAY_MICROS / 1000), base, name));
    default: {
      // Units: seconds, milliseconds, microseconds, nanoseconds.
      if (arrow.unit === 2) return data.values;
      if (arrow.unit === 3) return rescaled(data, base, (value) => exactly(value, 1000n, base, name));
      const factor = arrow.unit === 0 ? 1_000_000n : 1000n;
      return rescaled(data, base, (value) => {
        const micros = value * factor;
        if (BigInt.asIntN(64, micros) === micros) return micros;
        throw inexact(value, base, name);
      });
    }
  }
}

/** Turns each value into another unit; nulls stay 0. */
function rescaled(data: ArrowData, base: Base, convert: (value: bigint) => bigint): FixedValues {
  const values = fixedValues(base.type, base.length);
  const { validity } = base;
  for (let row = 0; row < base.length; row++) {
    if (validity !== undefined && ((validity[row >> 3]! >> (row & 7)) & 1) === 0) continue;
    const value = convert(BigInt((data.values as ArrayLike<number | bigint>)[row]!));
    if (values instanceof BigInt64Array) values[row] = value;
    else values[row] = Number(value);
  }
  return values;
}

function exactly(value: bigint, unit: bigint, base: Base, name: string): bigint {
  if (value % unit === 0n) return value / unit;
  throw inexact(value, base, name);
}

function inexact(value: bigint, { type }: Base, name: string): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `column "${name}": ${value} in Arrow's unit has no exact form as ${type.kind} in ${type.kind === "date" ? "days" : "microseconds"}`,
  );
}

function readDecimals(data: ArrowData, stride: number, base: Base): FixedValues {
  const words = new Uint32Array(data.values.buffer, data.values.byteOffset, stride * base.length);
  const isWide = base.type.kind === "decimal" && decimalWords(base.type.precision) === 2;
  if (isWide && stride === 4 && words.byteOffset % 8 === 0)
    return new BigInt64Array(words.buffer, words.byteOffset, 2 * base.length);
  return decimals(base, (row) => {
    let value = 0n;
    for (let i = stride - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[row * stride + i]!);
    return BigInt.asIntN(32 * stride, value);
  });
}

function decimals(base: Base, read: (row: number) => bigint): FixedValues {
  const words = base.type.kind === "decimal" ? decimalWords(base.type.precision) : 1;
  const values = new BigInt64Array(base.length * words);
  for (let row = 0; row < base.length; row++) writeDecimal(values, row, words, read(row));
  return values;
}

/** A half-precision float from its bits: IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
