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
    const columns = this.#columns;
    const starts = this.#starts;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = bytes.length;
    const capacity = columns * BLOCK_ROWS;
    let rows = 0;
    let to = 0;
    let at = from;
    while (at + 5 <= size) {
      const end = at + 1 + view.getInt32(at + 1);
      if (end > size) break;
      if (end < at + 5) throw malformed(`a message of length ${end - at - 1}`);
      if (bytes[at] !== COPY_DATA) {
        if (rows > 0) this.#handler.onBlock({ bytes, view, rows, columns, starts });
        rows = to = 0;
        this.#handler.onMessage(bytes[at]!, bytes.subarray(at, end));
        at = end;
        continue;
      }
      let position = at + 5;
      if (!this.#sawHeader) position = this.#header(bytes, view, position, end);
      // One row a message is what the server sends; several are as good.
      while (position < end) {
        const fields = view.getInt16(position);
        position += 2;
        if (fields !== columns) {
          this.#noRow(fields, position, end);
          break;
        }
        for (let i = 0; i < columns; i++) {
          if (position + 4 > end) throw malformed("a row that ends within a field");
          const length = view.getInt32(position);
          position += 4;
          if (length < 0) starts[to++] = -1;
          else {
            starts[to++] = position;
            position += length;
          }
        }
        if (position > end) throw malformed("a row that ends within a field");
        if (++rows === BLOCK_ROWS || to > capacity - columns) {
          this.#handler.onBlock({ bytes, view, rows, columns, starts });
          rows = to = 0;
        }
      }
      at = end;
    }
    if (rows > 0) this.#handler.onBlock({ bytes, view, rows, columns, starts });
    this.#keep(bytes, at);
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
