import { ByteCursor, decodeDelta32, decodeDelta64 } from "./delta-decode.ts";
import { AlluviumError } from "../errors.ts";
import { Encoding, nameOf, Physical } from "./format.ts";
import { readHybrid } from "./hybrid-read.ts";
import { invalid } from "./invalid.ts";
import { takeInts, type TakeMemory } from "./page-memory.ts";
import { decodePlainTexts } from "./plain-texts.ts";

/** Values as a file stores them, one after the other, without nulls. */
export type StoredValues =
  | { readonly kind: "bits"; readonly values: Uint8Array }
  | { readonly kind: "ints"; readonly values: Int32Array }
  | { readonly kind: "longs"; readonly values: BigInt64Array }
  | { readonly kind: "floats"; readonly values: Float32Array }
  | { readonly kind: "doubles"; readonly values: Float64Array }
  /** `values` holds `width` bytes a value. */
  | { readonly kind: "fixed"; readonly values: Uint8Array; readonly width: number }
  | { readonly kind: "bytes"; readonly offsets: Int32Array; readonly data: Uint8Array };

/**
 * Decodes `count` values that stand in `bytes[start, …)`. Dictionary indexes are not values: they are read elsewhere. Arrays of the common encodings are in
 * memory of `take`.
 */
export function decodeValues(
  encoding: number,
  physical: Physical,
  width: number,
  bytes: Uint8Array,
  start: number,
  count: number,
  take: TakeMemory,
): StoredValues {
  switch (encoding) {
    case Encoding.plain:
      return decodePlain(physical, width, bytes, start, count, take);
    case Encoding.rle:
      if (physical === Physical.boolean) return decodeRleBits(bytes, start, count);
      break;
    case Encoding.deltaBinaryPacked: {
      const cursor = new ByteCursor(bytes, start, bytes.length);
      if (physical === Physical.int32) {
        const values = decodeDelta32(cursor, count, take);
        return { kind: "ints", values: enough(values, count) };
      }
      if (physical === Physical.int64) {
        const values = decodeDelta64(cursor, count, take);
        return { kind: "longs", values: enough(values, count) };
      }
      break;
    }
    case Encoding.deltaLengthByteArray:
      if (physical === Physical.byteArray) return decodeDeltaLengths(bytes, start, count, take);
      break;
    case Encoding.deltaByteArray:
      if (physical === Physical.byteArray || physical === Physical.fixed)
        return decodeDeltaBytes(physical, width, bytes, start, count);
      break;
    case Encoding.byteStreamSplit:
      if (physical !== Physical.boolean && physical !== Physical.byteArray && physical !== Physical.int96)
        return decodeSplit(physical, width, bytes, start, count);
      break;
    default:
  }
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    `values of type ${nameOf(Physical, physical)} in encoding ${nameOf(Encoding, encoding)} cannot be read`,
  );
}

function enough<Values extends Int32Array | BigInt64Array>(values: Values, count: number): Values {
  if (values.length < count)
    throw invalid(`a page holds ${values.length} values where ${count} are expected`);
  return values;
}

/** Bytes of a value of a fixed size. */
function sizeOf(physical: Physical, width: number): number {
  switch (physical) {
    case Physical.int32:
    case Physical.float:
      return 4;
    case Physical.int64:
    case Physical.double:
      return 8;
    case Physical.int96:
      return 12;
    default:
      return width;
  }
}

function decodePlain(
  physical: Physical,
  width: number,
  bytes: Uint8Array,
  start: number,
  count: number,
  take: TakeMemory,
): StoredValues {
  if (physical === Physical.boolean) {
    need(bytes, start, (count + 7) >> 3);
    return { kind: "bits", values: copyOf(bytes, start, (count + 7) >> 3, take) };
  }
  if (physical === Physical.byteArray)
    return { kind: "bytes", ...decodePlainTexts(bytes, start, count, take) };
  const size = sizeOf(physical, width);
  need(bytes, start, count * size);
  // A copy of its own, so that it is aligned and the page can go.
  return ofBytes(physical, size, copyOf(bytes, start, count * size, take), count);
}

function ofBytes(physical: Physical, size: number, own: Uint8Array, count: number): StoredValues {
  const { buffer, byteOffset } = own;
  switch (physical) {
    case Physical.int32:
      return { kind: "ints", values: new Int32Array(buffer, byteOffset, count) };
    case Physical.float:
      return { kind: "floats", values: new Float32Array(buffer, byteOffset, count) };
    case Physical.int64:
      return { kind: "longs", values: new BigInt64Array(buffer, byteOffset, count) };
    case Physical.double:
      return { kind: "doubles", values: new Float64Array(buffer, byteOffset, count) };
    default:
      return { kind: "fixed", values: own, width: size };
  }
}

function decodeRleBits(bytes: Uint8Array, start: number, count: number): StoredValues {
  need(bytes, start, 4);
  const length =
    bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 24);
  if (length < 0 || length > bytes.length - start - 4) throw invalid("a page of booleans is cut off");
  const single = new Uint8Array(count);
  readHybrid(bytes, start + 4, start + 4 + length, 1, single, count);
  const values = new Uint8Array((count + 7) >> 3);
  for (let i = 0; i < count; i++) values[i >> 3]! |= single[i]! << (i & 7);
  return { kind: "bits", values };
}

function decodeDeltaLengths(bytes: Uint8Array, start: number, count: number, take: TakeMemory): StoredValues {
  const cursor = new ByteCursor(bytes, start, bytes.length);
  const lengths = enough(decodeDelta32(cursor, count), count);
  const offsets = takeInts(take, count + 1);
  offsets[0] = 0;
  let size = 0;
  const room = bytes.length - cursor.at;
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!;
    size += length;
    if (length < 0 || size > room) throw invalid(`a page holds a text of ${length} bytes`);
    offsets[i + 1] = size;
  }
  return { kind: "bytes", offsets, data: copyOf(bytes, cursor.at, size, take) };
}

/** Each value shares the beginning of the one before it. */
function decodeDeltaBytes(
  physical: Physical,
  width: number,
  bytes: Uint8Array,
  start: number,
  count: number,
): StoredValues {
  const cursor = new ByteCursor(bytes, start, bytes.length);
  const prefixes = enough(decodeDelta32(cursor, count), count);
  const suffixes = enough(decodeDelta32(cursor, count), count);
  const offsets = new Int32Array(count + 1);
  let size = 0;
  let previous = 0;
  let at = cursor.at;
  for (let i = 0; i < count; i++) {
    const prefix = prefixes[i]!;
    const suffix = suffixes[i]!;
    if (prefix < 0 || prefix > previous || suffix < 0 || suffix > bytes.length - at)
      throw invalid(`a page holds a text of ${prefix} shared and ${suffix} own bytes`);
    at += suffix;
    previous = prefix + suffix;
    size += previous;
    if (size > 0x7fff_ffff) throw invalid("a page holds more than 2 GiB of text");
    offsets[i + 1] = size;
  }
  // Shared beginnings can make much out of little: what a page cannot have meant is refused before memory is taken.
  if (size > (bytes.length - start) * 4096 + (1 << 24))
    throw invalid(`a page unpacks to ${size} bytes of text`);
  const data = new Uint8Array(size);
  at = cursor.at;
  for (let i = 0; i < count; i++) {
    const from = offsets[i]!;
    const prefix = prefixes[i]!;
    const suffix = suffixes[i]!;
    if (prefix > 0) data.copyWithin(from, offsets[i - 1]!, offsets[i - 1]! + prefix);
    data.set(bytes.subarray(at, at + suffix), from + prefix);
    at += suffix;
  }
  if (physical === Physical.byteArray) return { kind: "bytes", offsets, data };
  if (size !== count * width) throw invalid(`a page holds ${size} bytes where ${count * width} are expected`);
  return { kind: "fixed", values: data, width };
}

/** The first bytes of all values, then the second bytes of all, and so on. */
function decodeSplit(
  physical: Physical,
  width: number,
  bytes: Uint8Array,
  start: number,
  count: number,
): StoredValues {
  const size = sizeOf(physical, width);
  need(bytes, start, count * size);
  const own = new Uint8Array(count * size);
  for (let byte = 0, at = start; byte < size; byte++)
    for (let i = 0; i < count; i++) own[i * size + byte] = bytes[at++]!;
  return ofBytes(physical, size, own, count);
}

function need(bytes: Uint8Array, start: number, size: number): void {
  if (size > bytes.length - start)
    throw invalid(
      `a page holds ${Math.max(0, bytes.length - start)} bytes of values where ${size} are expected`,
    );
}

/** Not `slice`, which gives a Buffer's own memory again. */
function copyOf(bytes: Uint8Array, start: number, size: number, take: TakeMemory): Uint8Array {
  const copy = take(size);
  copy.set(bytes.subarray(start, start + size));
  return copy;
}
