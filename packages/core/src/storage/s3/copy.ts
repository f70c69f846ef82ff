import { randomUUID } from "node:crypto";
import { forEachConcurrent } from "../concurrent.ts";
import { nameOf } from "./errors.ts";
import type { S3Place } from "./place.ts";
import { settlesAsOurs, TOKEN } from "./token.ts";

const PARTS = 1000;
const PARTS_AT_ONCE = 8;

/** What servers say of an object that one request cannot copy: AWS takes 5 GB. */
const tooLarge: ReadonlySet<string> = new Set(["InvalidRequest", "EntityTooLarge"]);

/**
 * Has the server copy an object, with its metadata, and encrypted as the options say. Readers see the old object or the new one. An answer that was
 * lost, or came as an error after its 200, is met by copying once more.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export async function copyObject(
  place: S3Place,
  from: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { bucket, key, encryption } = place;
  const { sdk, name, send } = await bucket();
  const CopySource = sourceOf(name, key(from));
  const command = new sdk.CopyObjectCommand({ Bucket: name, Key: key(to), CopySource, ...encryption });
  try {
    await send(command, signal);
  } catch (error) {
    if (!tooLarge.has(nameOf(error)) || !(await copyParts(place, from, to, signal))) throw error;
  }
}

/**
 * Copies an object in parts, all of the version that it had at the start; `false` where it is no larger than a part.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
async function copyParts(
  place: S3Place,
  from: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { bucket, key, encryption, options } = place;
  const { partSize = 8 * 1024 * 1024 } = options;
  const { sdk, name, send } = await bucket();
  const original = { Bucket: name, Key: key(from) };
  const found = await send(new sdk.HeadObjectCommand(original), signal);
  const { ContentLength: size = 0, ETag, ContentType } = found;
  if (size <= partSize) return false;
  const token = randomUUID();
  const target = { Bucket: name, Key: key(to) };
  const Metadata = { ...found.Metadata, [TOKEN]: token };
  const start = new sdk.CreateMultipartUploadCommand({ ...target, Metadata, ContentType, ...encryption });
  const { UploadId } = await send(start, signal);
  const upload = { ...target, UploadId };
  try {
    const length = Math.max(partSize, Math.ceil(size / PARTS));
    const Parts = Array.from({ length: Math.ceil(size / length) }, (_, i) => ({
      PartNumber: i + 1,
      ETag: undefined as string | undefined,
    }));
    await forEachConcurrent(Parts, PARTS_AT_ONCE, async (part) => {
      const first = (part.PartNumber - 1) * length;
      const command = new sdk.UploadPartCopyCommand({
        ...upload,
        PartNumber: part.PartNumber,
        CopySource: sourceOf(name, original.Key),
        CopySourceIfMatch: ETag,
        CopySourceRange: `bytes=${first}-${Math.min(first + length, size) - 1}`,
      });
      part.ETag = (await send(command, signal)).CopyPartResult?.ETag;
    });
    await send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }), signal);
  } catch (error) {
    // The answer to an earlier try may have been lost.
    if (nameOf(error) === "NoSuchUpload" && (await settlesAsOurs(place, to, token, signal))) return true;
    await send(new sdk.AbortMultipartUploadCommand(upload), undefined).catch(() => undefined);
    throw error;
  }
  return true;
}

/** How a header names an object to copy: percent-encoded. */
function sourceOf(bucket: string, key: string): string {
  return `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
}
