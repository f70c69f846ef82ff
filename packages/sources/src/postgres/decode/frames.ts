import type { Block } from "./block.ts";
import { fieldLength, malformed } from "./block.ts";
import { CopyMemory, startsStride } from "./memory.ts";

/** Receives what a {@link FrameReader} finds. */
export interface FrameHandler {
  /** Rows, valid only during the call. */
  onBlock(block: Block): void;
  /**
   * A whole message other than COPY data: its type, and its bytes with type and length, valid only during the call. With ReadyForQuery comes all that
   * follows it, whole or not, and may be kept: it belongs to whoever reads the connection next.
   */
  onMessage(type: number, message: Uint8Array): void;
}

const COPY_DATA = 0x64; // 'd'
/** ReadyForQuery. */
export const READY = 0x5a; // 'Z'
/** The signature `PGCOPY\n\377\r\n\0`, then flags and the length of an extension, 32 bits each. */
const SIGNATURE = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00] as const;
const HEADER = SIGNATURE.length + 8;
const WITH_OIDS = 1 << 16;
/** No message that a server sends is longer: it puts a row together in memory that it does not give out in larger pieces (MaxAllocSize). */
const LONGEST = 4 + 0x3fff_ffff;
/** What a socket may give at once. */
const READ_BYTES = 256 * 1024;
/** A read, and as much again for the row that waits. */
const USUAL_ROOM: number = 2 * READ_BYTES;
/** Memory beyond this goes when what needed it is read: it cannot shrink. */
const KEPT_ROOM = 4 << 20;

/**
 * Cuts what comes from the socket, in pieces of any size, into protocol messages (type byte, 32-bit length, body) and the rows inside
 * COPY data. Pieces are put one behind the other in the memory of the kernels, and what is not whole waits there for the next one, so that
 * each byte is copied at most twice however many pieces a large value comes in.
 *
 * Formats: https://www.postgresql.org/docs/current/protocol-message-formats.html and https://www.postgresql.org/docs/current/sql-copy.html
 */
export class FrameReader {
  readonly #columns: number;
  readonly #handler: FrameHandler;
  #memory: CopyMemory;
  /** Address after the bytes that wait. They begin at the memory's `stream`. */
  #end: number;
  /** Address up to which bytes must come until there is a whole message. */
  #needed = 0;
  #sawHeader = false;
  #sawTrailer = false;

  /** `columns`: fields that every row has. */
  constructor(columns: number, handler: FrameHandler) {
    this.#columns = columns;
    this.#handler = handler;
    this.#memory = new CopyMemory(columns, USUAL_ROOM);
    this.#end = this.#memory.stream;
  }

  /** Whether the end of the rows has been seen: a stream that ends without it was cut. */
  get complete(): boolean {
    return this.#sawTrailer;
  }

  /** Where the next bytes may be put before they are pushed, which spares a copy. Valid up to the next push. */
  room(): Uint8Array {
    const size = Math.max(READ_BYTES, this.#needed - this.#end);
    return this.#memory.bytes.subarray(this.#end, this.#end + size);
  }

  /** Takes the next bytes: the beginning of its last {@link FrameReader.room}, or others. They are not kept. After an error, the bytes that were waiting are forgotten. */
  push(chunk: Uint8Array): void {
    const memory = this.#memory;
    if (chunk.buffer !== memory.bytes.buffer) {
      memory.reserve(this.#end - memory.stream + chunk.length);
      memory.bytes.set(chunk, this.#end);
    }
    const end = this.#end + chunk.length;
    if (end < this.#needed) {
      this.#end = end;
      return;
    }
    this.#end = memory.stream;
    this.#needed = 0;
    this.#keep(this.#walk(memory.stream, end), end);
  }

  /** Handles all whole messages between two addresses; returns where the rest begins. */
  #walk(from: number, end: number): number {
    const memory = this.#memory;
    const { bytes, view } = memory;
    let at = from;
    for (;;) {
      if (this.#sawHeader && !this.#sawTrailer) {
        const found = memory.locate(at, end, this.#columns);
        at = found.at;
        if (found.rows > 0) {
          this.#handOn(found.rows);
          continue;
        }
      }
      // Not just a row: the beginning or the end of the rows, another message, or one that is not whole.
      if (at + 5 > end) return at;
      const next = at + 1 + lengthAt(view, at);
      if (next > end) return at;
      if (bytes[at] === COPY_DATA) this.#rowsOf(bytes, view, at + 5, next);
      else if (bytes[at] === READY) {
        this.#handler.onMessage(READY, bytes.slice(at, end));
        return end;
      } else this.#handler.onMessage(bytes[at]!, bytes.subarray(at, next));
      at = next;
    }
  }

  /** Keeps the beginning of a message for the next piece. */
  #keep(from: number, end: number): void {
    const old = this.#memory;
    const length = end - from;
    const room = length < 5 ? 5 : 1 + lengthAt(old.view, from);
    if (old.bytes.length > KEPT_ROOM + old.stream && room < USUAL_ROOM)
      this.#memory = new CopyMemory(this.#columns, USUAL_ROOM);
    const { bytes, stream } = this.#memory;
    if (this.#memory !== old) bytes.set(old.bytes.subarray(from, end), stream);
    else if (from !== stream) bytes.copyWithin(stream, from, end);
    this.#end = stream + length;
    this.#needed = stream + room;
    // With the room for what comes next: while it is asked for, nobody could be told that there is no memory.
    this.#memory.reserve(room + READ_BYTES);
  }

  /** COPY data that is not one row: with the header before it, several rows, the trailer, or broken. */
  #rowsOf(bytes: Uint8Array, view: DataView, from: number, end: number): void {
    const columns = this.#columns;
    if (this.#sawTrailer) throw malformed("rows after its end");
    let position = this.#sawHeader ? from : this.#header(bytes, view, from, end);
    while (position < end) {
      const fields = view.getInt16(position);
      position += 2;
      if (fields !== columns) return this.#noRow(fields, position, end);
      for (let column = 0; column < columns; column++) {
        if (position + 4 > end) throw malformed("a row that ends within a field");
        const length = fieldLength(view, position);
        position += 4;
        this.#memory.starts[column * startsStride] = length < 0 ? -1 : position;
        if (length > 0) position += length;
      }
      if (position > end) throw malformed("a row that ends within a field");
      this.#handOn(1);
    }
  }

  #handOn(rows: number): void {
    const memory = this.#memory;
    const { bytes, view, starts } = memory;
    this.#handler.onBlock({ memory, bytes, view, rows, starts, stride: startsStride });
  }

  #header(bytes: Uint8Array, view: DataView, at: number, end: number): number {
    if (end - at < HEADER || SIGNATURE.some((byte, i) => bytes[at + i] !== byte))
      throw malformed("it does not begin with the signature PGCOPY");
    if (view.getInt32(at + SIGNATURE.length) & WITH_OIDS) throw malformed("rows with object ids");
    const extension = view.getInt32(at + SIGNATURE.length + 4);
    if (extension < 0 || extension > end - at - HEADER) throw malformed("a header that is not whole");
    this.#sawHeader = true;
    return at + HEADER + extension;
  }

  /** Not a row of the right width: the trailer, or an error. */
  #noRow(fields: number, position: number, end: number): void {
    if (fields !== -1) throw malformed(`a row of ${fields} fields where ${this.#columns} were asked for`);
    if (position !== end) throw malformed("bytes after its end");
    this.#sawTrailer = true;
  }
}

/** Length of the message at an address, without its type. */
function lengthAt(view: DataView, at: number): number {
  const length = view.getInt32(at + 1);
  if (length < 4 || length > LONGEST) throw malformed(`a message of length ${length}`);
  return length;
}
