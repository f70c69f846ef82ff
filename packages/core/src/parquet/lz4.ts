import { AlluviumError } from "../errors.ts";

/**
 * Decompresses an LZ4 block that unpacks to exactly `size` bytes; anything else is `ALV_FILE_INVALID`.
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
export function lz4Decompress(input: Uint8Array, size: number): Uint8Array {
  const out = reserve(input, size);
  const end = unpackBlock(input, 0, input.length, out, 0, size);
  if (end !== size) throw damaged(`it unpacks to ${end} bytes where ${size} are expected`);
  return out;
}

/**
 * Decompresses a page of the deprecated codec LZ4, which has had two forms: blocks as Hadoop frames them (parts of a stated size before
 * compression, each of blocks of a stated size after it, both numbers highest byte first), and one bare block, as Arrow once wrote.
 * Source: https://github.com/apache/parquet-format/blob/master/Compression.md#lz4
 */
export function hadoopLz4Decompress(input: Uint8Array, size: number): Uint8Array {
  return unframed(input, size) ?? lz4Decompress(input, size);
}

/** What Hadoop's frames hold, `undefined` where the bytes are no such frames. */
function unframed(input: Uint8Array, size: number): Uint8Array | undefined {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let out: Uint8Array | undefined;
  let o = 0;
  let at = 0;
  while (at < input.length) {
    if (at + 4 > input.length) return undefined;
    const part = o + view.getUint32(at);
    at += 4;
    if (part > size) return undefined;
    while (o < part) {
      if (at + 4 > input.length) return undefined;
      const stored = view.getUint32(at);
      at += 4;
      if (stored === 0 || stored > input.length - at) return undefined;
      out ??= reserve(input, size);
      try {
        o = unpackBlock(input, at, at + stored, out, o, part);
      } catch (error) {
        if (AlluviumError.is(error)) return undefined;
        throw error;
      }
      at += stored;
    }
  }
  return o === size ? (out ?? new Uint8Array(0)) : undefined;
}

/** Room for the output. A byte stands for 255 at best: more than that is made up, and gets no memory. */
function reserve(input: Uint8Array, size: number): Uint8Array {
  if (size > input.length * 255 + 64) throw damaged(`${input.length} bytes cannot unpack to ${size}`);
  return new Uint8Array(size);
}

/** Unpacks `input[at, end)` to `out[o, limit)` and gives the end of what was written. */
function unpackBlock(
  input: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  o: number,
  limit: number,
): number {
  const first = o;
  let at = start;
  while (at < end) {
    const token = input[at++]!;
    let length = token >>> 4;
    if (length === 15)
      for (let byte = 255; byte === 255; length += byte) {
        if (at >= end) throw damaged("it ends within a length");
        byte = input[at++]!;
      }
    if (length > end - at || length > limit - o) throw damaged("a literal is too long");
    if (length < 32) for (let i = 0; i < length; i++) out[o + i] = input[at + i]!;
    else out.set(input.subarray(at, at + length), o);
    at += length;
    o += length;
    // The last sequence is of literals alone.
    if (at === end) break;
    if (at + 2 > end) throw damaged("it ends within a copy");
    const offset = input[at]! | (input[at + 1]! << 8);
    at += 2;
    length = (token & 15) + 4;
    if ((token & 15) === 15)
      for (let byte = 255; byte === 255; length += byte) {
        if (at >= end) throw damaged("it ends within a length");
        byte = input[at++]!;
      }
    if (offset === 0 || offset > o - first || length > limit - o)
      throw damaged("a copy points outside of it");
    if (offset >= length && length >= 32) out.copyWithin(o, o - offset, o - offset + length);
    else for (let i = 0, from = o - offset; i < length; i++) out[o + i] = out[from + i]!;
    o += length;
  }
  return o;
}

function damaged(what: string): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", `the LZ4 block is damaged: ${what}`);
}
