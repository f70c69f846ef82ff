import { Buffer } from "node:buffer";
import type { FileContent } from "../format.ts";
import { encodingOf, markLength, transcode } from "./encoding.ts";

/** Bytes that are looked at at once: they stay in the processor's cache while their cells are found and read. */
export const blockBytes: number = 512 * 1024;

/**
 * The text of a file as UTF-8, in a window that moves over it: what is not used up stands at its beginning when more is asked for. How the bytes come
 * in pieces changes nothing, so that the same file always gives the same batches.
 */
export interface TextBlocks {
  /** The window's memory: `bytes[start, end)` is what is there of the text. Another array after each `fill`; one byte after `end` may be written. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Whether the text ends at `end`. */
  readonly isLast: boolean;
  /** Where `start` is in the file: bytes of its text as UTF-8, a byte order mark included. */
  readonly offset: number;
  /** Whether what stands for no character has become U+FFFD on the way. */
  readonly isTranscoded: boolean;
  /** The bytes up to `at` are used up. */
  skip(at: number): void;
  /** Brings the window to `size` bytes, or to the end of the text. */
  fill(size?: number): Promise<void>;
}

/** Opens the text of a file at an offset that an earlier {@link TextBlocks} said. */
export async function openText(
  file: FileContent,
  encoding: string | undefined,
  since: number,
  signal: AbortSignal,
): Promise<TextBlocks & AsyncDisposable> {
  const source = since === 0 ? undefined : await firstBytes(file);
  let chunks: AsyncIterator<Uint8Array>;
  let pending: Uint8Array = new Uint8Array(0);
  /** Bytes of the text to be passed over. */
  let passing = 0;
  let offset = since;
  let bytes = Buffer.allocUnsafe(0);
  let start = 0;
  let end = 0;
  let isLast = false;
  let isTranscoded = false;

  /** The first bytes say how the text is encoded, also where it is not read from there. */
  async function open(): Promise<void> {
    if (source !== undefined) {
      const { label } = encodingOf(source, encoding);
      isTranscoded = label !== "utf-8";
      if (!isTranscoded) {
        chunks = file.read(since, { reuses: true })[Symbol.asyncIterator]();
        return;
      }
    }
    const all = file.read(0, { reuses: true })[Symbol.asyncIterator]();
    let first: Uint8Array = new Uint8Array(0);
    while (first.length < markLength) {
      const { value, done } = await all.next();
      if (done === true) break;
      // A copy, if more must be asked for.
      first = first.length === 0 && value.length >= markLength ? value : Buffer.concat([first, value]);
    }
    const { label, mark } = encodingOf(first, encoding);
    isTranscoded = label !== "utf-8";
    const text = first.subarray(mark);
    if (isTranscoded) {
      chunks = transcode(prepend(text, all), label);
      passing = since;
    } else {
      chunks = all;
      pending = text;
      offset = mark;
    }
  }

  await open();
  // No more than the whole text, and a byte that shows where it ends: of small files a window of full size would be most of the work. One byte of an
  // encoding is at most three of UTF-8.
  const most = file.compression === "none" ? file.size * (isTranscoded ? 3 : 1) + 1 : Infinity;
  return {
    get bytes() {
      return bytes;
    },
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    get isLast() {
      return isLast;
    },
    get offset() {
      return offset;
    },
    get isTranscoded() {
      return isTranscoded;
    },
    skip(at) {
      offset += at - start;
      start = at;
    },
    async fill(wanted = blockBytes) {
      const size = Math.min(wanted, most);
      if (start > 0 || size + 1 > bytes.length) {
        const next = size + 1 > bytes.length ? Buffer.allocUnsafe(size + 1) : bytes;
        next.set(bytes.subarray(start, end));
        bytes = next;
        end -= start;
        start = 0;
      }
      while (end < size && !isLast) {
        if (pending.length === 0) {
          signal.throwIfAborted();
          const { value, done } = await chunks.next();
          if (done === true) {
            isLast = true;
            break;
          }
          pending = value;
          if (passing > 0) {
            const passed = Math.min(passing, pending.length);
            passing -= passed;
            pending = pending.subarray(passed);
          }
        }
        const taken = Math.min(size - end, pending.length);
        bytes.set(pending.subarray(0, taken), end);
        pending = pending.subarray(taken);
        end += taken;
      }
    },
    async [Symbol.asyncDispose]() {
      await chunks.return?.();
    },
  };
}

async function firstBytes(file: FileContent): Promise<Uint8Array> {
  if (file.compression === "none") return await file.range(0, Math.min(markLength, file.size));
  let first: Uint8Array = new Uint8Array(0);
  for await (const chunk of file.read()) {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    if (first.length >= markLength) break;
  }
  return first;
}

async function* prepend(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    for (;;) {
      const { value, done } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}
