import { Buffer } from "node:buffer";
import { invalid } from "./invalid.ts";
import { ThriftType } from "./thrift-writer.ts";

/** A struct as it was read: values by field number. */
export type ThriftStruct = { readonly [id: number]: ThriftValue | undefined };
/** A value as it was read. 64-bit integers beyond 2^53 are bigints. */
export type ThriftValue = boolean | number | bigint | Uint8Array | readonly ThriftValue[] | ThriftStruct;

const MAX_DEPTH = 64;

/** Where there is no more to read: more bytes may help. */
export class EndOfBytes extends Error {}

/** Reads Thrift's compact protocol without trusting it: every length is checked against what is there. */
export class ThriftReader {
  position: number;
  private readonly bytes: Uint8Array;
  private depth = 0;

  constructor(bytes: Uint8Array, position: number = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  struct(): ThriftStruct {
    if (++this.depth > MAX_DEPTH) throw invalid(`metadata is nested deeper than ${MAX_DEPTH} levels`);
    const fields: Record<number, ThriftValue> = {};
    let id = 0;
    for (;;) {
      const header = this.byte();
      const type = header & 15;
      if (header === 0) break;
      id = header >> 4 === 0 ? Number(this.zigzag()) : id + (header >> 4);
      if (!(id > -0x8000 && id < 0x8000)) throw invalid(`metadata has a field number ${id}`);
      fields[id] = type <= 2 ? type === ThriftType.true : this.value(type);
    }
    this.depth--;
    return fields;
  }

  private value(type: number): ThriftValue {
    switch (type) {
      case ThriftType.true:
      case ThriftType.false:
        return this.byte() === 1;
      case ThriftType.byte:
        return (this.byte() << 24) >> 24;
      case ThriftType.i16:
      case ThriftType.i32:
      case ThriftType.i64:
        return this.zigzag();
      case ThriftType.double: {
        const { buffer, byteOffset } = this.take(8);
        return new DataView(buffer, byteOffset).getFloat64(0, true);
      }
      case ThriftType.binary:
        return this.take(this.length());
      case ThriftType.list:
      case ThriftType.set:
        return this.list();
      case ThriftType.map:
        return this.map();
      case ThriftType.struct:
        return this.struct();
      default:
        throw invalid(`metadata has a field of the unknown type ${type}`);
    }
  }

  private list(): ThriftValue[] {
    const header = this.byte();
    const short = header >> 4;
    const length = short === 15 ? this.length() : short;
    const type = header & 15;
    // Each element takes at least a byte.
    if (length > this.bytes.length - this.position) throw new EndOfBytes();
    if (++this.depth > MAX_DEPTH) throw invalid(`metadata is nested deeper than ${MAX_DEPTH} levels`);
    const list: ThriftValue[] = [];
    for (let i = 0; i < length; i++) list.push(this.value(type));
    this.depth--;
    return list;
  }

  private map(): ThriftValue[] {
    const length = this.length();
    if (length === 0) return [];
    const types = this.byte();
    if (length * 2 > this.bytes.length - this.position) throw new EndOfBytes();
    if (++this.depth > MAX_DEPTH) throw invalid(`metadata is nested deeper than ${MAX_DEPTH} levels`);
    const entries: ThriftValue[] = [];
    for (let i = 0; i < length; i++) entries.push([this.value(types >> 4), this.value(types & 15)]);
    this.depth--;
    return entries;
  }

  private length(): number {
    const length = this.varint();
    if (length > BigInt(this.bytes.length)) throw new EndOfBytes();
    return Number(length);
  }

  private take(length: number): Uint8Array {
    const start = this.position;
    if (length > this.bytes.length - start) throw new EndOfBytes();
    this.position = start + length;
    return this.bytes.subarray(start, this.position);
  }

  private zigzag(): number | bigint {
    let value = 0;
    let scale = 1;
    const start = this.position;
    // Nearly all numbers fit a double.
    for (let i = 0; i < 7; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    this.position = start;
    const wide = this.varint();
    const signed = (wide >> 1n) ^ -(wide & 1n);
    return signed >= -(2n ** 53n) && signed <= 2n ** 53n ? Number(signed) : signed;
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw invalid("metadata has a number of more than 64 bits");
  }

  private byte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw new EndOfBytes();
    this.position++;
    return byte;
  }
}

/** A number of a struct; `undefined` when it is absent. Anything else in its place is damage. */
export function numberAt(struct: ThriftStruct, id: number, what: string): number | undefined {
  const value = struct[id];
  if (value === undefined || typeof value === "number") return value;
  throw invalid(`${what} is no number that can be used`);
}

/** A count, size or offset: a whole number from 0 on that must be there. */
export function countAt(struct: ThriftStruct, id: number, what: string): number {
  const value = numberAt(struct, id, what);
  if (value === undefined || !(value >= 0) || !Number.isSafeInteger(value))
    throw invalid(`${what} is ${value ?? "missing"}`);
  return value;
}

/** A struct within a struct. */
export function structAt(struct: ThriftStruct, id: number, what: string): ThriftStruct | undefined {
  const value = struct[id];
  return value === undefined ? undefined : asStruct(value, what);
}

/** A list within a struct. */
export function listAt(struct: ThriftStruct, id: number, what: string): readonly ThriftValue[] {
  const value = struct[id];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`${what} is no list`);
  return value as readonly ThriftValue[];
}

/** Bytes within a struct. */
export function bytesAt(struct: ThriftStruct, id: number, what: string): Uint8Array | undefined {
  const value = struct[id];
  if (value === undefined || value instanceof Uint8Array) return value;
  throw invalid(`${what} is no text`);
}

/** Text within a struct. */
export function textAt(struct: ThriftStruct, id: number, what: string): string | undefined {
  const bytes = bytesAt(struct, id, what);
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** A value that must be a struct. */
export function asStruct(value: ThriftValue, what: string): ThriftStruct {
  if (typeof value !== "object" || value instanceof Uint8Array || Array.isArray(value))
    throw invalid(`${what} is no struct`);
  return value as ThriftStruct;
}
