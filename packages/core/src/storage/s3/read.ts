import type { Readable } from "node:stream";
import { AlluviumError } from "../../errors.ts";
import { resolveRange } from "../range.ts";
import { changedObject } from "../changed.ts";
import type { ByteRange } from "../store.ts";
import { nameOf, statusOf } from "./errors.ts";
import type { S3Place } from "./place.ts";
import { ATTEMPTS, retrying } from "./retry.ts";

/** Reads an object, or a range of it. A body that is cut or stands still is asked for again. */
export async function readObject(
  { bucket, key, options, url }: S3Place,
  path: string,
  call: {
    readonly range?: ByteRange | undefined;
    readonly ifMatch?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Uint8Array> {
  const { range, ifMatch, signal } = call;
  const { attempts = ATTEMPTS, timeout = 30_000 } = options;
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER);
  const { sdk, name, send } = await bucket();
  const object = { Bucket: name, Key: key(path), ...(ifMatch !== undefined && { IfMatch: ifMatch }) };
  const command = new sdk.GetObjectCommand({
    ...object,
    ...(range !== undefined && { Range: rangeHeader(range) }),
  });
  const again = (error: unknown): boolean => error instanceof BrokenBodyError;
  try {
    if (range?.end !== undefined && range.end === range.start) {
      await send(new sdk.HeadObjectCommand(object), signal);
      return new Uint8Array(0);
    }
    return await retrying({ attempts, signal, again }, async () => {
      const { Body, ContentLength } = await send(command, signal);
      return readBody(Body as Readable, ContentLength, { timeout, place: `${path} in ${url}`, signal });
    });
  } catch (error) {
    if (statusOf(error) === 412) throw changedObject(path, url, error);
    // The range starts behind the end.
    if (statusOf(error) === 416 || nameOf(error) === "InvalidRange") return new Uint8Array(0);
    throw error instanceof BrokenBodyError ? error.cause : error;
  }
}

/** A body that did not come whole: the call itself was answered, and is worth another one. */
class BrokenBodyError extends Error {
  override readonly name = "BrokenBodyError";
}

/** Source: https://www.rfc-editor.org/rfc/rfc9110#name-range-requests */
function rangeHeader({ start, end }: ByteRange): string {
  if (start < 0) return `bytes=${start}`;
  return `bytes=${start}-${end === undefined ? "" : end - 1}`;
}

async function readBody(
  body: Readable,
  length: number | undefined,
  call: { readonly timeout: number; readonly place: string; readonly signal: AbortSignal | undefined },
): Promise<Uint8Array> {
  const { timeout, place, signal } = call;
  const broken = (code: "ALV_TIMEOUT" | "ALV_STORE_FAILED", what: string): AlluviumError =>
    new AlluviumError(code, `${place}: ${what}`, { retryable: true });
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => body.destroy(broken("ALV_TIMEOUT", `no bytes came for ${timeout / 1000} s`)),
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
    if (length !== undefined && size !== length)
      throw broken("ALV_STORE_FAILED", `${size} bytes came of ${length}`);
  } catch (cause) {
    throw new BrokenBodyError(`the body of ${place} broke off`, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
  return bytes ?? new Uint8Array(Buffer.concat(pieces));
}
