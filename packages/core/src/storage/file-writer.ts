import { open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { AlluviumError } from "../errors.ts";
import { abandon } from "./abandon.ts";
import type { AbandonableWriter } from "./abandon.ts";
import { fileError } from "./file-errors.ts";

/** Bytes of one write to the disk: pieces are gathered to this size. A writer holds at most twice as much. */
const WRITE_BYTES = 2 * 1024 * 1024;
/** First size of the gathering buffer, so that many small files cost little. */
const FIRST_BYTES = 64 * 1024;

/**
 * Writes a new file in large pieces. While one piece is on its way to the disk the next is gathered, so encoding and writing overlap;
 * `write` waits when both are full. A large piece is written as it is, without a copy, and waited for.
 */
export async function openFileWriter(file: string, path: string, url: string): Promise<AbandonableWriter> {
  const handle = await open(file, "wx");
  let state: "open" | "complete" | "disposed" = "open";
  let gathered = 0;
  let buffer: Uint8Array = new Uint8Array(0);
  let spare: Uint8Array | undefined;
  let position = 0;
  let failure: AlluviumError | undefined;
  let writing: Promise<void> | undefined;

  const check = (): void => {
    if (failure !== undefined) throw failure;
    if (state !== "open")
      throw new AlluviumError("ALV_INTERNAL", `the writer of ${path} is ${state} already`);
  };
  const settle = async (): Promise<void> => {
    await writing;
    writing = undefined;
    if (failure !== undefined) throw failure;
  };
  /** Sends what is gathered on its way, once the piece before it is written. */
  const flush = async (): Promise<void> => {
    await settle();
    const piece = buffer.subarray(0, gathered);
    const at = position;
    position += gathered;
    gathered = 0;
    const full = buffer;
    buffer = spare ?? new Uint8Array(0);
    spare = undefined;
    writing = writeWhole(handle, piece, at).then(
      () => {
        spare = full;
      },
      (error: unknown) => {
        failure = fileError(error, "write", path, url);
      },
    );
  };
  /** Makes room for `wanted` bytes, or as many of them as one piece takes. */
  const grow = (wanted: number): void => {
    const needed = Math.min(WRITE_BYTES, gathered + wanted);
    if (needed <= buffer.length) return;
    const larger = new Uint8Array(Math.min(WRITE_BYTES, Math.max(needed, buffer.length * 2, FIRST_BYTES)));
    larger.set(buffer.subarray(0, gathered));
    buffer = larger;
  };
  const release = (): void => {
    buffer = new Uint8Array(0);
    spare = undefined;
    gathered = 0;
  };
  /** Waits for the piece on its way, whatever becomes of it, and closes the file. */
  const close = async (): Promise<void> => {
    await writing;
    release();
    await handle.close();
  };

  return {
    path,
    get size() {
      return position + gathered;
    },
    async write(bytes) {
      check();
      if (gathered === 0 && bytes.length >= WRITE_BYTES / 2) {
        await settle();
        const at = position;
        position += bytes.length;
        await writeWhole(handle, bytes, at).catch((error: unknown) => {
          failure = fileError(error, "write", path, url);
          throw failure;
        });
        return;
      }
      let start = 0;
      while (start < bytes.length) {
        grow(bytes.length - start);
        const count = Math.min(buffer.length - gathered, bytes.length - start);
        buffer.set(count === bytes.length ? bytes : bytes.subarray(start, start + count), gathered);
        gathered += count;
        start += count;
        if (gathered === WRITE_BYTES) await flush();
      }
    },
    async complete() {
      check();
      try {
        if (gathered > 0) await flush();
        await settle();
        const { size, mtime } = await handle.stat();
        if (size !== position)
          throw new AlluviumError(
            "ALV_STORE_FAILED",
            `${path} in ${url} has ${size} bytes, ${position} were written`,
          );
        release();
        await handle.close();
        state = "complete";
        return { path, size, modified: mtime };
      } catch (error) {
        failure ??= fileError(error, "complete", path, url);
        throw failure;
      }
    },
    async [abandon]() {
      if (state !== "open") return;
      state = "disposed";
      await close().catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      if (state !== "open") return;
      state = "disposed";
      await close().catch(() => undefined);
      await unlink(file).catch((error: unknown) => {
        const told = fileError(error, "remove", path, url);
        if (told.code !== "ALV_NOT_FOUND") throw told;
      });
    },
  };
}

/** Writes all of `bytes` at `position`: a single system call may write less. */
export async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
