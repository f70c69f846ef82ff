import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError, type ObjectInfo, type ObjectStore } from "@alluvium/core";
import type { FileContent } from "../format.ts";
import { compressionOf, decompress } from "./compression.ts";
import { readPieces } from "./pieces.ts";

/** Bytes that are read with the opening of a file: they say how it is compressed, and of a small file they are all. */
export const HEAD_BYTES: number = 256 * 1024;
const LEAST_PIECE = 256 * 1024;
const MOST_PIECE = 4 * 1024 * 1024;
/** Pieces under way while one is decoded. */
const AHEAD = 2;
/** Times that a range is asked for, beside what the store does itself. */
const ATTEMPTS = 3;

/** How files are read. */
export interface ContentOptions {
  readonly signal: AbortSignal;
  /** Bytes that one file may hold read ahead. */
  readonly budget: number;
}

/** What tells versions of a file apart. Of a store without tags, size and time have to do. */
export function tagOf({ etag, size, modified }: ObjectInfo): string {
  return etag ?? `${size}-${modified.getTime()}`;
}

/**
 * Opens one version of a file: that of `info`. Whatever is read comes from it; where another one has taken its place, opening or reading is
 * `ALV_SOURCE_CHANGED`, and where it is gone `ALV_NOT_FOUND`.
 */
export async function openContent(
  store: ObjectStore,
  info: ObjectInfo,
  { signal, budget }: ContentOptions,
): Promise<FileContent> {
  const { path, size, modified, etag } = info;
  const get = (start: number, end: number, ending: AbortSignal, into?: Uint8Array): Promise<Uint8Array> =>
    retried(ending, async () => {
      const bytes = await store.get(path, { range: { start, end }, ifMatch: etag, into, signal: ending });
      if (bytes.length === end - start) return bytes;
      throw new AlluviumError(
        "ALV_SOURCE_CHANGED",
        `${path} in ${store.url} is shorter than it was when it was listed (${size} bytes): it was overwritten`,
      );
    });
  const head = size === 0 ? new Uint8Array(0) : await get(0, Math.min(size, HEAD_BYTES), signal);
  const range = async (start: number, end: number, into: Uint8Array | undefined): Promise<Uint8Array> => {
    const to = Math.min(end, size);
    if (to <= head.length) return head.slice(Math.min(start, to), to);
    if (start >= head.length) return get(start, to, signal, into);
    const bytes = new Uint8Array(to - start);
    bytes.set(head.subarray(start));
    bytes.set(await get(head.length, to, signal), head.length - start);
    return bytes;
  };
  const pieceBytes = Math.min(MOST_PIECE, Math.max(LEAST_PIECE, Math.floor(budget / (AHEAD + 2))));
  async function* stored(start: number, reuses: boolean): AsyncGenerator<Uint8Array> {
    // It is there already, whatever the size of pieces.
    if (start < head.length) yield head.slice(start);
    const from = Math.max(start, head.length);
    if (from < size)
      yield* readPieces({ range: get, start: from, end: size, pieceBytes, ahead: AHEAD, reuses, signal });
  }
  const compression = compressionOf(head);
  return {
    path,
    size,
    modified,
    tag: tagOf(info),
    compression,
    read: (offset = 0, { reuses = false } = {}) =>
      compression === "none"
        ? stored(offset, reuses)
        : skip(decompress(stored(0, true), { path, compression, again: () => stored(0, false) }), offset, {
            path,
            compression,
          }),
    range,
  };
}

/** What comes after the first `offset` bytes. */
async function* skip(
  chunks: AsyncIterable<Uint8Array>,
  offset: number,
  { path, compression }: Pick<FileContent, "path" | "compression">,
): AsyncGenerator<Uint8Array> {
  let left = offset;
  for await (const chunk of chunks) {
    if (left >= chunk.length) {
      left -= chunk.length;
      continue;
    }
    yield left === 0 ? chunk : chunk.subarray(left);
    left = 0;
  }
  if (left > 0)
    throw new AlluviumError(
      "ALV_SOURCE_DATA",
      `${path}: the content of the ${compression} file ends ${left} bytes before byte ${offset}, from which it is to be read`,
    );
}

/** Tries again what may pass: the store has tried, but a file may be long and a load longer. A version that is gone does not come back. */
async function retried<Result>(signal: AbortSignal, run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      const mayPass = AlluviumError.is(error) && error.retryable && error.code !== "ALV_SOURCE_CHANGED";
      if (!mayPass || attempt >= ATTEMPTS) throw error;
    }
    await sleep(Math.random() * 200 * 2 ** attempt, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}
