import { randomUUID } from "node:crypto";
import { AlluviumError } from "../../errors.ts";
import type { ObjectInfo, ObjectWriter } from "../store.ts";
import type { S3Place } from "./place.ts";
import { putNew, whileContended } from "./put-new.ts";
import { settlesAsOurs, TOKEN } from "./token.ts";
import { isMissing, nameOf, statusOf } from "./errors.ts";

/** Parts of the first size; the next as many are twice as large, and so on, since an upload has at most 10,000. */
const PARTS_OF_A_SIZE = 1000;

/** What is looked at of the answer to a part. */
interface PartAnswer {
  readonly ETag?: string | undefined;
  readonly $metadata?: { readonly attempts?: number | undefined };
}

/**
 * An object that is uploaded in parts, of which few are under way at once; one that is smaller than a part is put whole. It replaces nothing: to complete
 * it is conditional, too. What is disposed before is aborted; uploads of processes that were killed stay until the bucket's rule for incomplete uploads
 * takes them.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
export function openUpload(place: S3Place, path: string, signal: AbortSignal | undefined): ObjectWriter {
  const { bucket, key, options, encryption, guard } = place;
  const { partSize = 8 * 1024 * 1024, partsAtOnce = 2, conditionalPuts } = options;
  const conditional = conditionalPuts !== false;
  const token = randomUUID();
  const tags: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
  const underWay = new Set<Promise<void>>();
  /** Memory of parts that are with the server, for parts to come: new memory costs the system's work and the collector's. */
  const spare: Uint8Array<ArrayBuffer>[] = [];
  let buffer = new Uint8Array(0);
  let filled = 0;
  let size = 0;
  let parts = 0;
  let uploadId: string | undefined;
  let failure: unknown;
  let state: "open" | "complete" | "disposed" = "open";

  const nextSize = (): number => partSize * 2 ** Math.floor(parts / PARTS_OF_A_SIZE);

  /** Memory for a part of an object that has others. */
  function wholePart(length: number): Uint8Array<ArrayBuffer> {
    const again = spare.pop();
    return again?.length === length ? again : new Uint8Array(length);
  }

  async function start(): Promise<string> {
    const { sdk, name, send } = await bucket();
    const command = new sdk.CreateMultipartUploadCommand({
      Bucket: name,
      Key: key(path),
      Metadata: { [TOKEN]: token },
      ...encryption,
    });
    const { UploadId } = await send(command, signal);
    return UploadId!;
  }

  async function sendPart(body: Uint8Array<ArrayBuffer>): Promise<void> {
    uploadId ??= await start();
    while (underWay.size >= partsAtOnce) await Promise.race(underWay);
    if (failure !== undefined) throw failure;
    const PartNumber = (parts += 1);
    const { sdk, name, send } = await bucket();
    const part = { Bucket: name, Key: key(path), UploadId: uploadId, PartNumber };
    // A try that failed may go on reading its memory, behind the back of the one that was answered.
    let failed = false;
    const task = send(new sdk.UploadPartCommand({ ...part, Body: body }), signal, () => (failed = true))
      .then((answer: PartAnswer) => {
        tags[PartNumber - 1] = { ETag: answer.ETag, PartNumber };
        // A client that somebody else made may not say how often it tried.
        if (!failed && answer.$metadata?.attempts === 1) spare.push(body);
      })
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => underWay.delete(task));
    underWay.add(task);
  }

  async function completeParts(): Promise<void> {
    const { sdk, name, send } = await bucket();
    if (!conditional) await checkAbsent();
    const command = new sdk.CompleteMultipartUploadCommand({
      Bucket: name,
      Key: key(path),
      UploadId: uploadId,
      MultipartUpload: { Parts: tags },
      ...(conditional && { IfNoneMatch: "*" }),
    });
    try {
      await whileContended(options, signal, () => send(command, signal));
    } catch (error) {
      const isGone = nameOf(error) === "NoSuchUpload" || statusOf(error) === 412;
      if (!isGone) throw error;
      // The answer to an earlier try may have been lost.
      if (await settlesAsOurs(place, path, token, signal)) return;
      throw statusOf(error) === 412 ? taken(path, place.url) : aborted(path, place.url, error);
    }
  }

  /** Where the server knows no conditions: the names of what is uploaded are its writer's alone, and a look finds what was there before. */
  async function checkAbsent(): Promise<void> {
    const { sdk, name, send } = await bucket();
    try {
      await send(new sdk.HeadObjectCommand({ Bucket: name, Key: key(path) }), signal);
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    throw taken(path, place.url);
  }

  async function putPlain(body: Uint8Array): Promise<void> {
    await checkAbsent();
    const { sdk, name, send } = await bucket();
    const object = { Bucket: name, Key: key(path), Metadata: { [TOKEN]: token }, ...encryption };
    await send(new sdk.PutObjectCommand({ ...object, Body: body }), signal);
  }

  async function abort(): Promise<void> {
    if (uploadId === undefined) return;
    const { sdk, name, send } = await bucket();
    const command = new sdk.AbortMultipartUploadCommand({ Bucket: name, Key: key(path), UploadId: uploadId });
    await send(command, undefined).catch(() => undefined);
  }

  const check = (): void => {
    if (state !== "open")
      throw new AlluviumError("ALV_INTERNAL", `the writer of ${path} is ${state} already`);
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
  };

  return {
    path,
    get size() {
      return size;
    },
    write: (bytes) =>
      guard("write", path, signal, async () => {
        check();
        size += bytes.length;
        for (let at = 0; at < bytes.length;) {
          const wanted = nextSize();
          if (filled === 0 && parts > 0) buffer = wholePart(wanted);
          if (buffer.length === filled) buffer = grown(buffer, filled, bytes.length - at, wanted);
          const count = Math.min(bytes.length - at, buffer.length - filled);
          buffer.set(bytes.subarray(at, at + count), filled);
          filled += count;
          at += count;
          if (filled < wanted) continue;
          const body = buffer;
          buffer = new Uint8Array(0);
          filled = 0;
          await sendPart(body);
        }
      }),
    complete: () =>
      guard("complete", path, signal, async (): Promise<ObjectInfo> => {
        check();
        const rest = buffer.subarray(0, filled);
        if (uploadId === undefined) {
          if (!conditional) await putPlain(rest);
          else if (!(await putNew(place, path, rest, signal, token))) throw taken(path, place.url);
        } else {
          if (filled > 0) await sendPart(rest);
          await Promise.all(underWay);
          check();
          await completeParts();
        }
        state = "complete";
        buffer = new Uint8Array(0);
        spare.length = 0;
        return { path, size, modified: new Date() };
      }),
    async [Symbol.asyncDispose]() {
      if (state !== "open") return;
      state = "disposed";
      buffer = new Uint8Array(0);
      spare.length = 0;
      await Promise.allSettled(underWay);
      await abort();
    },
  };
}

/** A buffer with room for some bytes more, but no larger than a part: small objects need no whole part. */
function grown(
  buffer: Uint8Array<ArrayBuffer>,
  filled: number,
  more: number,
  part: number,
): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(part, Math.max(filled + more, 2 * buffer.length, 64 * 1024)));
  larger.set(buffer.subarray(0, filled));
  return larger;
}

function taken(path: string, url: string): AlluviumError {
  return new AlluviumError("ALV_STORE_FAILED", `cannot create ${path} in ${url}: it exists already`, {
    retryable: false,
  });
}

function aborted(path: string, url: string, cause: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_FAILED",
    `the upload of ${path} in ${url} was aborted by somebody else (a lifecycle rule for incomplete uploads?): write it again`,
    { cause, retryable: true },
  );
}
