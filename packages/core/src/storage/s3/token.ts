import type { S3Place } from "./place.ts";
import { isMissing } from "./errors.ts";

/** Metadata of an object that says which call put it: what tells a put whose answer was lost from one of somebody else. */
export const TOKEN = "alv-put";

/** Whether an object that is there was put by the call that this token is of. */
export async function settlesAsOurs(
  { bucket, key }: S3Place,
  path: string,
  token: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { sdk, name, send } = await bucket();
  try {
    const { Metadata } = await send(new sdk.HeadObjectCommand({ Bucket: name, Key: key(path) }), signal);
    return Metadata?.[TOKEN] === token;
  } catch (error) {
    // Deleted since. Whoever asks has lost its turn in either case.
    if (isMissing(error)) return false;
    throw error;
  }
}
