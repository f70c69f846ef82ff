import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { Readable } from "node:stream";
import { AlluviumError } from "../../errors.ts";
import { resolveRange } from "../range.ts";
import type { ByteRange } from "../store.ts";
import { nameOf, statusOf } from "./errors.ts";
import type { S3Place } from "./place.ts";
import { retrying } from "./retry.ts";

/** Reads an object, or a range of it. A body that is cut or stands still is asked for again. */
export async function readObject(
  { bucket, key, options, url }: S3Place,
  path: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { attempts = 6, timeout = 30_000 } = options;
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER);
  const { sdk, name, send } = await bucket();
  const isEmpty = range?.end !== undefined && range.end === range.start;
  return retrying({ attempts, signal }, async () => {
    try {
      if (isEmpty) {
        await send(new sdk.HeadObjectCommand({ Bucket: name, Key: key(path) }), signal);
        return new Uint8Array(0);
      }
      const found: GetObjectCommandOutput = await send(
        new sdk.GetObjectCommand({
          Bucket: name,
          Key: key(path),
          ...(range !== undefined && { Range: rangeHeader(range) }),
        }),
        signal,
      );
      return await readBody(
        found.Body as Readable,
        found.ContentLength,
        timeout,
        `${path} in ${url}`,
        signal,
      );
    } catch (error) {
      // The range starts behind the end.
      if (statusOf(error) === 416 || nameOf(error) === "InvalidRange") return new Uint8Array(0);
      throw error;
    }
  });
}

/** Source: https://www.rfc-editor.org/rfc/rfc9110#name-range-requests */
function rangeHeader({ start, end }: ByteRange): string {
  if (start < 0) return `bytes=${start}`;
  return `bytes=${start}-${end === undefined ? "" : end - 1}`;
}

async function readBody(
  body: Readable,
  length: number | undefined,
  timeout: number,
  place: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => body.destroy(new AlluviumError("ALV_TIMEOUT", `${place}: no bytes came for ${timeout / 1000} s`)),
      timeout,
    );
  };
  const abort = (): void => void body.destroy(signal!.reason as Error);
  signal?.addEventListener("abort", abort, { once: true });
  const bytes = length === undefined ? undefined : new Uint8Array(length);
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    watch();
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      watch();
      if (bytes === undefined) pieces.push(piece);
      else if (size + piece.length <= bytes.length) bytes.set(piece, size);
      size += piece.length;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
  if (bytes === undefined) return new Uint8Array(Buffer.concat(pieces));
  if (size !== length)
    throw new AlluviumError("ALV_STORE_FAILED", `${place}: ${size} bytes came of ${length}`, {
      retryable: true,
    });
  return bytes;
}
