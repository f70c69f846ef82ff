import type { Block } from "./block.ts";
import { malformed } from "./block.ts";

/** Receives what a {@link FrameReader} finds. */
export interface FrameHandler {
  /** Rows, valid only during the call. */
  onBlock(block: Block): void;
  /** A whole message other than COPY data: its type, and its bytes with type and length. */
  onMessage(type: number, message: Uint8Array): void;
}

const COPY_DATA = 0x64; // 'd'
/** The signature `PGCOPY\n\377\r\n\0`, then flags and the length of an extension, 32 bits each. */
const SIGNATURE = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00] as const;
const HEADER = SIGNATURE.length + 8;
const WITH_OIDS = 1 << 16;
/** Rows located before they are handed on. */
const BLOCK_ROWS = 1024;

/**
 * Cuts what comes from the socket, in pieces of any size, into protocol messages (type byte, 32-bit length, body) and the rows inside
 * COPY data. A message that is not whole yet is gathered in a buffer of its final size, so that each byte is copied at most once however
 * many pieces a large value comes in.
 *
 * Formats: https://www.postgresql.org/docs/current/protocol-message-formats.html and https://www.postgresql.org/docs/current/sql-copy.html
 */
export class FrameReader {
  readonly #columns: number;
  readonly #handler: FrameHandler;
  readonly #starts: Int32Array;
  /** The first bytes of a message that is not whole. */
  #rest: Uint8Array = new Uint8Array(0);
  #restLength = 0;
  /** Length of that message; 0 while not even its length is whole. */
  #restNeeded = 0;
  readonly #restHead = new Uint8Array(5);
  /** Rows in `starts` that are not handed on yet. */
  #rows = 0;
  #sawHeader = false;
  #sawTrailer = false;

  /** `columns`: fields that every row has. */
  constructor(columns: number, handler: FrameHandler) {
    this.#columns = columns;
    this.#handler = handler;
    this.#starts = new Int32Array(Math.max(1, columns) * BLOCK_ROWS);
  }

  /** Whether the end of the rows has been seen: a stream that ends without it was cut. */
  get complete(): boolean {
    return this.#sawTrailer;
  }

  /** Takes the next bytes. They are not kept. */
  push(chunk: Uint8Array): void {
    let at = 0;
    if (this.#restLength > 0) {
      at = this.#fill(chunk);
      if (at < 0) return;
    }
    this.#walk(chunk, at);
  }

  /** Completes the message that was begun; -1 if the chunk is not enough for it. */
  #fill(chunk: Uint8Array): number {
    let at = 0;
    if (this.#restNeeded === 0) {
      while (this.#restLength < 5 && at < chunk.length) this.#restHead[this.#restLength++] = chunk[at++]!;
      if (this.#restLength < 5) return -1;
      this.#begin(this.#restHead, 0, 5);
    }
    const take = Math.min(chunk.length - at, this.#restNeeded - this.#restLength);
    this.#rest.set(chunk.subarray(at, at + take), this.#restLength);
    this.#restLength += take;
    if (this.#restLength < this.#restNeeded) return -1;
    const whole = this.#rest.subarray(0, this.#restNeeded);
    this.#restLength = 0;
    this.#restNeeded = 0;
    this.#walk(whole, 0);
    // One large value must not keep its buffer for the rest of the table.
    if (this.#rest.length > 1 << 20) this.#rest = new Uint8Array(0);
    return at + take;
  }

  /** Begins to gather a message from `source[at, at + length)`, which holds at least its head. */
  #begin(source: Uint8Array, at: number, length: number): void {
    const needed =
      1 + ((source[at + 1]! << 24) | (source[at + 2]! << 16) | (source[at + 3]! << 8) | source[at + 4]!);
    if (needed < 5) throw malformed(`a message of length ${needed - 1}`);
    if (this.#rest.length < needed) this.#rest = new Uint8Array(Math.max(needed, 8192));
    this.#rest.set(source.subarray(at, at + length));
    this.#restLength = length;
    this.#restNeeded = needed;
  }

  /** Handles all whole messages from `at` on and keeps the rest. */
  #walk(bytes: Uint8Array, from: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = from;
    for (;;) {
      if (this.#sawHeader) at = this.#locate(view, at);
      if (this.#rows > 0) {
        this.#handOn(bytes, view);
        continue;
      }
      // Not just a row: the beginning or the end of the rows, another message, or one that is not whole.
      if (at + 5 > bytes.length) break;
      const end = at + 1 + view.getInt32(at + 1);
      if (end > bytes.length) break;
      if (end < at + 5) throw malformed(`a message of length ${end - at - 1}`);
      if (bytes[at] === COPY_DATA) this.#rowsOf(bytes, view, at + 5, end);
      else this.#handler.onMessage(bytes[at]!, bytes.subarray(at, end));
      at = end;
    }
    this.#keep(bytes, at);
  }

  /**
   * Finds the fields of as many rows as come next, one in a message, which is how the server sends them, and a block takes. Stops
   * before anything else, and returns where. It calls nothing, so that it is compiled once, small, whoever takes the rows.
   */
  #locate(view: DataView, from: number): number {
    const columns = this.#columns;
    const starts = this.#starts;
    const size = view.byteLength;
    let at = from;
    let row = 0;
    for (; row < BLOCK_ROWS; row++) {
      if (at + 7 > size || view.getUint8(at) !== COPY_DATA) break;
      const end = at + 1 + view.getInt32(at + 1);
      if (end > size || view.getInt16(at + 5) !== columns) break;
      let position = at + 7;
      let column = 0;
      for (let to = row; column < columns && position + 4 <= end; column++, to += BLOCK_ROWS) {
        const length = view.getInt32(position);
        position += 4;
        if (length < 0) starts[to] = -1;
        else {
          starts[to] = position;
          position += length;
        }
      }
      if (column < columns || position !== end) break;
      at = end;
    }
    this.#rows = row;
    return at;
  }

  /** COPY data that is not one row: with the header before it, several rows, the trailer, or broken. */
  #rowsOf(bytes: Uint8Array, view: DataView, from: number, end: number): void {
    const columns = this.#columns;
    let position = this.#sawHeader ? from : this.#header(bytes, view, from, end);
    while (position < end) {
      const fields = view.getInt16(position);
      position += 2;
      if (fields !== columns) return this.#noRow(fields, position, end);
      for (let column = 0; column < columns; column++) {
        if (position + 4 > end) throw malformed("a row that ends within a field");
        const length = view.getInt32(position);
        position += 4;
        this.#starts[column * BLOCK_ROWS] = length < 0 ? -1 : position;
        if (length > 0) position += length;
      }
      if (position > end) throw malformed("a row that ends within a field");
      this.#rows = 1;
      this.#handOn(bytes, view);
    }
  }

  #handOn(bytes: Uint8Array, view: DataView): void {
    const rows = this.#rows;
    this.#rows = 0;
    this.#handler.onBlock({ bytes, view, rows, starts: this.#starts, stride: BLOCK_ROWS });
  }

  #keep(bytes: Uint8Array, at: number): void {
    const length = bytes.length - at;
    if (length === 0) return;
    if (length >= 5) this.#begin(bytes, at, length);
    else {
      this.#restHead.set(bytes.subarray(at));
      this.#restLength = length;
      this.#restNeeded = 0;
    }
  }

  #header(bytes: Uint8Array, view: DataView, at: number, end: number): number {
    if (end - at < HEADER || SIGNATURE.some((byte, i) => bytes[at + i] !== byte))
      throw malformed("it does not begin with the signature PGCOPY");
    if (view.getInt32(at + SIGNATURE.length) & WITH_OIDS) throw malformed("rows with object ids");
    this.#sawHeader = true;
    return at + HEADER + view.getInt32(at + SIGNATURE.length + 4);
  }

  /** Not a row of the right width: the trailer, or an error. */
  #noRow(fields: number, position: number, end: number): void {
    if (fields !== -1) throw malformed(`a row of ${fields} fields where ${this.#columns} were asked for`);
    if (position !== end) throw malformed("bytes after its end");
    this.#sawTrailer = true;
  }
}
