import { Buffer } from "node:buffer";
import { createInflateRaw } from "node:zlib";
import { feed } from "./feed.ts";

/** How far a gzip file goes. */
export interface GzipEnd {
  /** Bytes up to the end of its last whole member. */
  readonly stored: number;
  /** Bytes that its members hold. */
  readonly made: number;
}

/** Bytes of a member's check sum and length, behind its data. */
const TRAILER = 8;

/**
 * Where the members of a gzip file end and something else begins (RFC 1952, section 2.3), for messages: zlib itself does not say where it met what it does
 * not know. `undefined` where the members are damaged or cut off.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc1952
 */
export async function gzipEnd(pieces: AsyncIterable<Uint8Array>): Promise<GzipEnd | undefined> {
  const source = pieces[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let stored = 0;
  let made = 0;
  const next = async (): Promise<Buffer | undefined> => {
    const { done, value } = await source.next();
    return done === true ? undefined : bufferOf(value);
  };
  /** Holds `size` bytes, if there are so many. */
  const hold = async (size: number): Promise<boolean> => {
    while (held.length < size) {
      const piece = await next();
      if (piece === undefined) return false;
      held = Buffer.concat([held, piece]);
    }
    return true;
  };
  try {
    for (;;) {
      const isMember = (await hold(3)) && held[0] === 0x1f && held[1] === 0x8b && held[2] === 8;
      if (!isMember) return stored > 0 && held.length > 0 ? { stored, made } : undefined;
      const header = await headerSize();
      if (header === undefined) return undefined;
      const data = await inflate(held.subarray(header), next);
      held = data.rest;
      if (!(await hold(TRAILER))) return undefined;
      held = held.subarray(TRAILER);
      stored += header + data.used + TRAILER;
      made += data.made;
    }
  } catch (error) {
    if (String((error as { readonly code?: unknown }).code).startsWith("Z_")) return undefined;
    throw error;
  } finally {
    await source.return?.();
  }

  /** The bytes of a member's header, all of which are held then. */
  async function headerSize(): Promise<number | undefined> {
    if (!(await hold(10))) return undefined;
    const flags = held[3]!;
    let size = 10;
    if (flags & 4) {
      if (!(await hold(size + 2))) return undefined;
      size += 2 + held.readUInt16LE(size);
    }
    // The name of the file, and a comment: each ends with a zero.
    for (const flag of [8, 16]) {
      if (!(flags & flag)) continue;
      while (held.indexOf(0, size) < 0) if (!(await hold(held.length + 1))) return undefined;
      size = held.indexOf(0, size) + 1;
    }
    if (flags & 2) size += 2;
    return (await hold(size)) ? size : undefined;
  }
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** Inflates up to the end of the data. */
async function inflate(
  first: Buffer,
  next: () => Promise<Buffer | undefined>,
): Promise<{ readonly used: number; readonly made: number; readonly rest: Buffer }> {
  const engine = createInflateRaw();
  let made = 0;
  let rest: Uint8Array | undefined;
  const feeding = feed(engine, first, next);
  try {
    for await (const chunk of engine as AsyncIterable<Uint8Array>) made += chunk.length;
    rest = await feeding;
  } finally {
    engine.destroy();
  }
  return { used: engine.bytesWritten, made, rest: rest === undefined ? Buffer.alloc(0) : bufferOf(rest) };
}
