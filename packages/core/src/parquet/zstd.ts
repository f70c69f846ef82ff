import { Buffer } from "node:buffer";
import { constants, createZstdCompress, type ZstdCompress } from "node:zlib";
import { AlluviumError } from "../errors.ts";

// As many as there are threads in libuv's pool by default; more would only hold memory.
const STREAMS = 4;
// Frames are put together from pieces of this size; most pages fit into one.
const OUTPUT = 1 << 18;

interface Job {
  readonly bytes: Uint8Array;
  readonly resolve: (frame: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

const pools = new Map<number, (bytes: Uint8Array) => Promise<Uint8Array>>();

/**
 * Compresses pages to zstd frames in libuv's threads. The compressors are kept and used again, each frame ended by a flush: to make
 * one for each page, as `zlib.zstdCompress` does, takes a quarter of the whole time. All files of a level share them.
 */
export function zstdCompressor(level: number): (bytes: Uint8Array) => Promise<Uint8Array> {
  let pool = pools.get(level);
  if (pool === undefined) pools.set(level, (pool = createPool(level)));
  return pool;
}

function createPool(level: number): (bytes: Uint8Array) => Promise<Uint8Array> {
  const idle: FrameStream[] = [];
  const waiting: Job[] = [];
  let made = 0;
  const release = (stream: FrameStream): void => {
    const job = waiting.shift();
    if (job === undefined) idle.push(stream);
    else stream.run(job);
  };
  return (bytes) =>
    new Promise((resolve, reject) => {
      const job = { bytes, resolve, reject };
      const stream = idle.pop() ?? (made < STREAMS ? (made++, new FrameStream(level, release)) : undefined);
      if (stream === undefined) waiting.push(job);
      else stream.run(job);
    });
}

const MAX_BLOCK = 1 << 17;

/**
 * A zstd frame that holds `bytes` as they are, for pages that do not shrink: making it is a copy.
 * Source: https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
 */
export function storedFrame(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / MAX_BLOCK));
  const frame = Buffer.allocUnsafeSlow(9 + 3 * blocks + bytes.length);
  frame.writeUInt32LE(0xfd2fb528, 0);
  // Single segment, content size in four bytes, no checksum, no dictionary.
  frame[4] = 0xa0;
  frame.writeUInt32LE(bytes.length, 5);
  let at = 9;
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * MAX_BLOCK, (block + 1) * MAX_BLOCK);
    frame.writeUIntLE((part.length << 3) | (block === blocks - 1 ? 1 : 0), at, 3);
    frame.set(part, at + 3);
    at += 3 + part.length;
  }
  return frame;
}

/** One compressor, one page at a time. */
class FrameStream {
  private readonly stream: ZstdCompress;
  private readonly release: (stream: FrameStream) => void;
  private parts: Uint8Array[] = [];
  private size = 0;
  private failed: ((error: unknown) => void) | undefined;

  constructor(level: number, release: (stream: FrameStream) => void) {
    this.release = release;
    this.stream = createZstdCompress({
      params: { [constants.ZSTD_c_compressionLevel]: level },
      // Every write ends a frame.
      flush: constants.ZSTD_e_end,
      chunkSize: OUTPUT,
    });
    this.stream.on("data", (part: Uint8Array) => {
      this.parts.push(part);
      this.size += part.length;
    });
    this.stream.on("error", (error) => this.failed?.(error));
  }

  run({ bytes, resolve, reject }: Job): void {
    this.failed = reject;
    this.stream.write(bytes, (error) => {
      if (error || this.size === 0) {
        reject(error ?? new AlluviumError("ALV_INTERNAL", "zstd gave no frame for a page"));
        return;
      }
      // A copy of its own size: the parts are views of the stream's larger output array.
      const frame = Buffer.allocUnsafeSlow(this.size);
      let at = 0;
      for (const part of this.parts) {
        frame.set(part, at);
        at += part.length;
      }
      this.parts = [];
      this.size = 0;
      resolve(frame);
      this.release(this);
    });
  }
}
