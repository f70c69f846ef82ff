import { randomUUID } from "node:crypto";
import { AlluviumError } from "../../errors.ts";
import { statusOf } from "./errors.ts";
import type { S3StoreOptions } from "./options.ts";
import type { S3Place } from "./place.ts";
import { ATTEMPTS, retrying } from "./retry.ts";
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
  const { conditionalPuts = "probe" } = options;
  if (conditionalPuts === false) throw unsafe(url, "conditionalPuts is false");
  const { sdk, name, send } = await bucket();
  const object = { Bucket: name, Key: key(path), Metadata: { [TOKEN]: token }, ...encryption };
  /** Whether the server took it; where it did not, it has looked at the condition. */
  const put = async (): Promise<boolean> => {
    try {
      const command = new sdk.PutObjectCommand({ ...object, Body: bytes, IfNoneMatch: "*" });
      await whileContended(options, signal, () => send(command, signal));
      return true;
    } catch (error) {
      if (statusOf(error) !== 412) throw error;
      server.conditional = true;
      return false;
    }
  };
  if (!(await put())) return settlesAsOurs(place, path, token, signal);
  // The same bytes again: a server that takes them does not look at the condition.
  if (conditionalPuts === "probe" && !server.conditional && (await put()))
    throw unsafe(url, "the server took a second put of one object with If-None-Match");
  return true;
}

/** Tries again while the server says 409: somebody else's conditional call on the object is under way. */
export function whileContended<Result>(
  { attempts = ATTEMPTS }: S3StoreOptions,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> {
  return retrying({ attempts, signal, again: (error) => statusOf(error) === 409 }, call);
}

function unsafe(url: string, why: string): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_UNSAFE",
    `${url} cannot create an object only if there is none (${why}), so that two writers could overwrite each other's commit: use a server with conditional puts, or give the lake a logStore (dynamoDbLogStore) and the store conditionalPuts: false`,
  );
}
