// Not by name: a Node without it would refuse to load the module, with nothing but this file's text for a reason.
import zlib, { constants, type ZstdCompress } from "node:zlib";
import { AlluviumError } from "../errors.ts";
import { takeStored } from "./page-memory.ts";

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
  if (typeof zlib.createZstdCompress !== "function")
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `Node ${process.versions.node} has no zstd: use Node 22.18 or later, which Alluvium is made for`,
    );
  let pool = pools.get(level);
  if (pool === undefined) pools.set(level, (pool = createPool(level)));
  return pool;
}

function createPool(level: number): (bytes: Uint8Array) => Promise<Uint8Array> {
  const idle: FrameStream[] = [];
  const waiting: Job[] = [];
  let made = 0;
  const start = (job: Job): void => {
    let stream = idle.pop();
    if (stream === undefined && made < STREAMS) {
      made++;
      stream = new FrameStream(level);
    }
    if (stream === undefined) waiting.push(job);
    else stream.run(job, done);
  };
  const done = (stream: FrameStream, usable: boolean): void => {
    if (usable) idle.push(stream);
    else made--;
    const job = waiting.shift();
    if (job !== undefined) start(job);
  };
  return (bytes) => new Promise((resolve, reject) => start({ bytes, resolve, reject }));
}

const MAX_BLOCK = 1 << 17;

/**
 * A zstd frame that holds `bytes` as they are, for pages that do not shrink: making it is a copy.
 * Source: https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
 */
export function storedFrame(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / MAX_BLOCK));
  const frame = takeStored(9 + 3 * blocks + bytes.length);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  view.setUint32(0, 0xfd2fb528, true);
  // Single segment, content size in four bytes, no checksum, no dictionary.
  frame[4] = 0xa0;
  view.setUint32(5, bytes.length, true);
  let at = 9;
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * MAX_BLOCK, (block + 1) * MAX_BLOCK);
    const header = (part.length << 3) | (block === blocks - 1 ? 1 : 0);
    view.setUint16(at, header, true);
    view.setUint8(at + 2, header >> 16);
    frame.set(part, at + 3);
    at += 3 + part.length;
  }
  return frame;
}

/** One compressor, one page at a time. */
class FrameStream {
  private readonly stream: ZstdCompress;
  private parts: Uint8Array[] = [];
  private size = 0;

  constructor(level: number) {
    this.stream = zlib.createZstdCompress({
      params: { [constants.ZSTD_c_compressionLevel]: level },
      // Every write ends a frame.
      flush: constants.ZSTD_e_end,
      chunkSize: OUTPUT,
    });
    this.stream.on("data", (part: Uint8Array) => {
      this.parts.push(part);
      this.size += part.length;
    });
    // The callback of the write that failed gets the error too.
    this.stream.on("error", () => {});
  }

  run({ bytes, resolve, reject }: Job, done: (stream: FrameStream, usable: boolean) => void): void {
    this.stream.write(bytes, (error) => {
      if (error || this.size === 0) {
        this.stream.destroy();
        reject(error ?? new AlluviumError("ALV_INTERNAL", "zstd gave no frame for a page"));
        done(this, false);
        return;
      }
      // A copy of its own size: the parts are views of the stream's larger output array.
      const frame = takeStored(this.size);
      let at = 0;
      for (const part of this.parts) {
        frame.set(part, at);
        at += part.length;
      }
      this.parts = [];
      this.size = 0;
      resolve(frame);
      done(this, true);
    });
  }
}
