import type { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { AlluviumError } from "../errors.ts";
import { Codec, nameOf } from "./format.ts";
import { hadoopLz4Decompress, lz4Decompress } from "./lz4.ts";
import { takeBody } from "./page-memory.ts";
import { storedFrame, zstdCompressor } from "./zstd.ts";
import { snappyDecompress } from "./snappy.ts";
import { snappyCompress } from "./snappy-compress.ts";

/** Compression of a file: `zstd` (best trade), `snappy` (read by everything), `gzip`, `none`. */
export type Compression = "zstd" | "snappy" | "gzip" | "none";

/** Compresses pages. */
export interface Compressor {
  /** Resolves to the input itself where nothing is to be done. The input must not change meanwhile. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Wraps bytes that do not shrink, at next to no cost; absent where the codec has no form for that or it would gain nothing. */
  store?(bytes: Uint8Array): Uint8Array;
}

/** Number of a compression in the file. */
export function codecOf(compression: Compression): number {
  return Codec[compression];
}

/**
 * A compressor. zstd and gzip work in libuv's threads, beside the caller; Snappy is ours and works at once.
 * `level`: zstd 1–22, gzip 1–9; default 1 and 6.
 */
export function compressor(compression: Compression, level?: number): Compressor {
  switch (compression) {
    case "none":
      return { compress: (bytes) => Promise.resolve(bytes) };
    case "snappy":
      return { compress: (bytes) => Promise.resolve(trimmed(snappyCompress(bytes))) };
    case "gzip":
      return {
        compress: (bytes) =>
          threaded((done) =>
            zlib.gzip(bytes, { level: level ?? 6, chunkSize: outputSize(bytes.length) }, done),
          ).then(trimmed),
      };
    case "zstd":
      return { compress: zstdCompressor(level ?? 1), store: storedFrame };
  }
}

// With room for the whole output, one turn in the thread pool is enough: by default there is one for each 16 KiB.
function outputSize(length: number): number {
  return Math.max(64, length + (length >> 7) + 256);
}

/** The compressor's array is as large as the page was; what is kept must not hold on to that. */
function trimmed(stored: Uint8Array): Uint8Array {
  return stored.buffer.byteLength > stored.length * 1.25 + 64 ? new Uint8Array(stored) : stored;
}

function threaded(start: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

// Output beyond this comes in several turns in the thread pool.
const MAX_AT_ONCE = 1 << 22;

/** Whether {@link decompress} knows a codec. */
export function canDecompress(codec: number): boolean {
  return (
    codec === Codec.none ||
    codec === Codec.snappy ||
    codec === Codec.gzip ||
    codec === Codec.zstd ||
    codec === Codec.brotli ||
    codec === Codec.lz4 ||
    codec === Codec.lz4Raw
  );
}

/** Decompresses a page to exactly `size` bytes. Never makes more than that of it. Its memory may be given back (`giveBody`) when nobody reads it any more. */
export async function decompress(bytes: Uint8Array, codec: number, size: number): Promise<Uint8Array> {
  if (codec === Codec.snappy) return snappyDecompress(bytes, size, takeBody);
  if (codec === Codec.lz4Raw) return lz4Decompress(bytes, size);
  if (codec === Codec.lz4) return hadoopLz4Decompress(bytes, size);
  if (codec === Codec.none) {
    if (bytes.length !== size)
      throw new AlluviumError(
        "ALV_FILE_INVALID",
        `a page without compression has ${bytes.length} bytes where its header says ${size}`,
      );
    return bytes;
  }
  // One byte more than expected shows that there is more; zlib stops there. A size that is made up takes no memory.
  const options = { maxOutputLength: size + 1, chunkSize: Math.max(64, Math.min(size + 1, MAX_AT_ONCE)) };
  let out: Uint8Array;
  try {
    out = await threaded((done) => {
      if (codec === Codec.zstd) zlib.zstdDecompress(bytes, options, done);
      else if (codec === Codec.gzip) zlib.gunzip(bytes, options, done);
      else if (codec === Codec.brotli) zlib.brotliDecompress(bytes, options, done);
      else throw new AlluviumError("ALV_UNSUPPORTED", `compression ${nameOf(Codec, codec)} cannot be read`);
    });
  } catch (error) {
    if (AlluviumError.is(error)) throw error;
    throw new AlluviumError("ALV_FILE_INVALID", `the page's ${nameOf(Codec, codec)} data is damaged`, {
      cause: error,
    });
  }
  if (out.length !== size)
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `the page's ${nameOf(Codec, codec)} data unpacks to ${out.length === size + 1 ? "more" : out.length} bytes where its header says ${size}`,
    );
  return out;
}
