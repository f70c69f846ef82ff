import { createGunzip, createZstdDecompress } from "node:zlib";
import { AlluviumError } from "@alluvium/core";
import type { FileContent } from "../format.ts";
import { feed } from "./feed.ts";
import { gzipEnd } from "./gzip-end.ts";

/** Bytes of one chunk of what is decompressed. */
const CHUNK_BYTES = 256 * 1024;

/**
 * How bytes are compressed, by the first of them: gzip (RFC 1952, section 2.3.1) or zstd (RFC 8878, section 3.1; frames that are skipped included).
 *
 * Source: https://www.rfc-editor.org/rfc/rfc1952 and https://www.rfc-editor.org/rfc/rfc8878
 */
export function compressionOf(bytes: Uint8Array): FileContent["compression"] {
  if (bytes.length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8) return "gzip";
  return isZstd(bytes) ? "zstd" : "none";
}

function isZstd(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const magic = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

/** What is decompressed, for messages. */
export interface Compressed {
  readonly path: string;
  readonly compression: "gzip" | "zstd";
  /** Its pieces once more, from the start: read to say where something else than a member begins. */
  readonly again: () => AsyncIterable<Uint8Array>;
}

/**
 * Decompresses pieces of a file: all members of gzip, all frames of zstd. What ends too early, is damaged, or has something else behind its last
 * member or frame (zeros apart, with which gzip may be padded) is `ALV_SOURCE_DATA`.
 */
export async function* decompress(
  pieces: AsyncIterable<Uint8Array>,
  { path, compression, again }: Compressed,
): AsyncGenerator<Uint8Array> {
  const source = pieces[Symbol.asyncIterator]();
  /** Stored bytes before what the present engine was given, and decompressed ones so far. */
  let before = 0;
  let made = 0;
  let rest: Uint8Array | undefined;
  const broken = (at: number, what: string, cause?: unknown): AlluviumError =>
    new AlluviumError(
      "ALV_SOURCE_DATA",
      `${path}: ${what} byte ${at} of the ${compression} file (byte ${made} of its content). Write the file anew, or leave it out`,
      { cause },
    );
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const { done, value } = await source.next();
      if (done === true) return undefined;
      if (value.length > 0) return value;
    }
  };
  try {
    for (;;) {
      const first: Uint8Array | undefined = rest ?? (await next());
      rest = undefined;
      if (first === undefined) return;
      if (before > 0) {
        if (compression === "gzip") {
          await refuseTrailing(first, next, before, broken);
          return;
        }
        if (!isZstd(first) && first.length >= 4)
          throw broken(before, "there is something else than a frame at");
      }
      // Frames and members that end with a piece are gone on with by the same engine; in the midst of a piece the one for zstd stops.
      const engine =
        compression === "gzip"
          ? createGunzip({ chunkSize: CHUNK_BYTES })
          : createZstdDecompress({ chunkSize: CHUNK_BYTES });
      const feeding = feed(engine, first, next);
      try {
        for await (const chunk of engine as AsyncIterable<Uint8Array>) {
          made += chunk.length;
          yield chunk;
        }
        rest = await feeding;
      } catch (error) {
        const { code } = error as { readonly code?: unknown };
        if (typeof code !== "string" || !/^(Z_|ZSTD_)/.test(code)) throw error;
        // Told of what is taken for a further member.
        if (compression === "gzip" && (error as Error).message === "incorrect header check") {
          const end = await gzipEnd(again());
          if (end !== undefined) {
            ({ made } = end);
            throw broken(end.stored, "there is something behind its end at", error);
          }
        }
        const at = before + engine.bytesWritten;
        throw code === "Z_BUF_ERROR"
          ? broken(at, "it is cut off: it ends at", error)
          : broken(at, `it is damaged (${(error as Error).message}) after`, error);
      } finally {
        engine.destroy();
      }
      before += engine.bytesWritten;
    }
  } finally {
    await source.return?.();
  }
}

/** What follows the last member of gzip may be zeros only. */
async function refuseTrailing(
  first: Uint8Array,
  next: () => Promise<Uint8Array | undefined>,
  before: number,
  broken: (at: number, what: string) => AlluviumError,
): Promise<void> {
  let at = before;
  for (let piece: Uint8Array | undefined = first; piece !== undefined; piece = await next()) {
    const other = piece.findIndex((byte) => byte !== 0);
    if (other >= 0) throw broken(at + other, "there is something behind its end at");
    at += piece.length;
  }
}
