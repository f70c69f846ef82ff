import { randomUUID } from "node:crypto";
import { AlluviumError } from "../../errors.ts";
import { mayPass, statusOf } from "./errors.ts";
import type { S3Place } from "./place.ts";
import { retrying } from "./retry.ts";
import { settlesAsOurs, TOKEN } from "./token.ts";

/**
 * Creates an object only if there is none. 412 says that there is one: ours, if the answer to an earlier try was lost, which the token in its metadata
 * tells; 409 that somebody else is putting one just now, and so is tried again.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export async function putNew(
  place: S3Place,
  path: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  token: string = randomUUID(),
): Promise<boolean> {
  const { bucket, key, options, encryption, server, url } = place;
  const { attempts = 6, conditionalPuts = "probe" } = options;
  if (conditionalPuts === false) throw unsafe(url, "conditionalPuts is false");
  const { sdk, name, send } = await bucket();
  const put = (): Promise<object> =>
    send(
      new sdk.PutObjectCommand({
        Bucket: name,
        Key: key(path),
        Body: bytes,
        IfNoneMatch: "*",
        Metadata: { [TOKEN]: token },
        ...encryption,
      }),
      signal,
    );
  const again = (error: unknown): boolean => mayPass(error) || statusOf(error) === 409;
  const created = await retrying({ attempts, signal, again }, async () => {
    try {
      await put();
      return true;
    } catch (error) {
      if (statusOf(error) !== 412) throw error;
      return settlesAsOurs(place, path, token, signal);
    }
  });
  if (created && conditionalPuts === "probe" && !server.conditional) {
    // The same bytes again: a server that takes them does not look at the condition.
    await retrying({ attempts, signal, again }, async () => {
      try {
        await put();
      } catch (error) {
        if (statusOf(error) === 412) return;
        throw error;
      }
      throw unsafe(url, "the server took a second put of one object with If-None-Match");
    });
    server.conditional = true;
  }
  return created;
}

function unsafe(url: string, why: string): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_UNSAFE",
    `${url} cannot create an object only if there is none (${why}), so that two writers could overwrite each other's commit: use a server with conditional puts`,
  );
}
