import { Buffer } from "node:buffer";

/** Type codes of fields in Thrift's compact protocol. */
export const ThriftType = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

/**
 * Writes Thrift's compact protocol, the form of all Parquet metadata.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export class ThriftWriter {
  private bytes: Uint8Array;
  private position = 0;
  private last = 0;
  private readonly outer: number[] = [];

  constructor(capacity: number = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far; a copy of their own. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.position);
  }

  /** Opens a struct: as field `id`, or as the next element of a list when there is none. */
  open(id?: number): this {
    if (id !== undefined) this.header(id, ThriftType.struct);
    this.outer.push(this.last);
    this.last = 0;
    return this;
  }

  /** Ends the struct that was opened last (or the outermost one). */
  close(): this {
    this.byte(0);
    this.last = this.outer.pop() ?? 0;
    return this;
  }

  bool(id: number, value: boolean): this {
    this.header(id, value ? ThriftType.true : ThriftType.false);
    return this;
  }

  /** A single byte; not the same as a small `i32`. */
  i8(id: number, value: number): this {
    this.header(id, ThriftType.byte);
    this.byte(value & 0xff);
    return this;
  }

  i16(id: number, value: number): this {
    this.header(id, ThriftType.i16);
    this.zigzag(value);
    return this;
  }

  i32(id: number, value: number): this {
    this.header(id, ThriftType.i32);
    this.zigzag(value);
    return this;
  }

  /** A 64-bit integer whose value a double holds exactly: sizes, offsets, counts. */
  i64(id: number, value: number): this {
    this.header(id, ThriftType.i64);
    this.zigzag(value);
    return this;
  }

  binary(id: number, value: Uint8Array): this {
    this.header(id, ThriftType.binary);
    this.raw(value);
    return this;
  }

  string(id: number, value: string): this {
    return this.binary(id, Buffer.from(value, "utf8"));
  }

  /** Announces a list of `length` elements of `type`; write them with `open`/`close` or the element methods. */
  list(id: number, type: number, length: number): this {
    this.header(id, ThriftType.list);
    if (length < 15) this.byte((length << 4) | type);
    else {
      this.byte(0xf0 | type);
      this.varint(length);
    }
    return this;
  }

  elementI32(value: number): this {
    this.zigzag(value);
    return this;
  }

  elementString(value: string): this {
    this.raw(Buffer.from(value, "utf8"));
    return this;
  }

  private header(id: number, type: number): void {
    const step = id - this.last;
    if (step > 0 && step < 16) this.byte((step << 4) | type);
    else {
      this.byte(type);
      this.zigzag(id);
    }
    this.last = id;
  }

  private raw(value: Uint8Array): void {
    this.varint(value.length);
    this.room(value.length);
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  private zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  private varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  private byte(value: number): void {
    this.room(1);
    this.bytes[this.position++] = value;
  }

  private room(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.position));
    this.bytes = bytes;
  }
}
