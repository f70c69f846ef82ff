/**
 * A bucket of S3, or of a server that speaks its protocol, as a store of objects.
 *
 * @module core/storage/s3
 */
import { AlluviumError } from "../errors.ts";
import { forEachConcurrent } from "./concurrent.ts";
import { checkPath, checkPrefix } from "./path.ts";
import { copyObject } from "./s3/copy.ts";
import { openBucket } from "./s3/bucket.ts";
import { isMissing, s3Error } from "./s3/errors.ts";
import type { S3StoreOptions } from "./s3/options.ts";
import { encryptionFields, type S3Place } from "./s3/place.ts";
import { putNew } from "./s3/put-new.ts";
import { readObject } from "./s3/read.ts";
import { openUpload } from "./s3/upload.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";

export type { S3ClientLike, S3Credentials, S3Encryption, S3StoreOptions } from "./s3/options.ts";

/** Objects that one request deletes. */
const DELETED_AT_ONCE = 1000;
const DELETES_AT_ONCE = 4;

/**
 * A bucket, or what is below a prefix of it, as a store. Needs the package `@aws-sdk/client-s3`, which is loaded with the first call.
 *
 * - `putIfAbsent` puts with `If-None-Match: *`. A lost answer is settled: metadata (`alv-put`) says which call an object is of. Servers that do not look
 *   at the condition are refused with `ALV_STORE_UNSAFE`.
 * - `create` uploads in parts; the memory of a writer is `partSize * (partsAtOnce + 1)`. Give the bucket a lifecycle rule that aborts incomplete uploads:
 *   processes that are killed leave some.
 * - `list` asks for pages of 1,000, and goes on after a key. Times have whole seconds.
 * - `copy` is done by S3 itself: a request for each object, or several for one beyond 5 GB.
 * - `sync` has nothing to do, and there is no `rename`.
 * - Calls that are throttled or fail on their way are tried again, with random pauses.
 *
 * Permissions: `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject`, `s3:AbortMultipartUpload` on the objects, `s3:ListBucket` on the bucket (without it S3
 * answers 403 for what is not there).
 *
 * @param url `s3://bucket/prefix`.
 * @throws `ALV_CONFIG` for another kind of URL.
 *
 * @example
 * ```ts
 * const store = s3Store("s3://my-lake/bronze", { region: "eu-central-1" });
 * for await (const { path, size } of store.list("orders/")) console.log(path, size);
 * ```
 */
export function s3Store(url: string | URL, options: S3StoreOptions = {}): ObjectStore {
  const { name, root } = parseUrl(String(url));
  checkOptions(options);
  const { conditionalPuts = "probe" } = options;
  const place: S3Place = {
    url: `s3://${name}${root === "" ? "" : `/${root.slice(0, -1)}`}`,
    options,
    encryption: encryptionFields(options),
    server: { conditional: conditionalPuts === true },
    bucket: openBucket(name, options),
    key: (path) => root + path,
    async guard(doing, path, signal, run) {
      signal?.throwIfAborted();
      try {
        return await run();
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw s3Error(error, doing, path, place.url);
      }
    },
  };
  const { bucket, key, guard, encryption } = place;

  return {
    specVersion: 1,
    url: place.url,
    capabilities: { putIfAbsent: conditionalPuts !== false, rename: false, durable: true },
    async get(path, call) {
      checkPath(path);
      return guard("read", path, call?.signal, () => readObject(place, path, call ?? {}));
    },
    async head(path, call) {
      checkPath(path);
      return guard("look at", path, call?.signal, async () => {
        const { sdk, send } = await bucket();
        try {
          const found = await send(new sdk.HeadObjectCommand({ Bucket: name, Key: key(path) }), call?.signal);
          return infoOf(path, found.ContentLength, found.LastModified, found.ETag);
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      });
    },
    async put(path, bytes, call) {
      checkPath(path);
      // The caller may use its bytes again before the request is sent.
      const copy = new Uint8Array(bytes);
      await guard("write", path, call?.signal, async () => {
        const { sdk, send } = await bucket();
        const command = new sdk.PutObjectCommand({ Bucket: name, Key: key(path), Body: copy, ...encryption });
        await send(command, call?.signal);
      });
    },
    async putIfAbsent(path, bytes, call) {
      checkPath(path);
      const copy = new Uint8Array(bytes);
      return guard("create", path, call?.signal, () => putNew(place, path, copy, call?.signal));
    },
    async create(path, call) {
      checkPath(path);
      call?.signal?.throwIfAborted();
      return openUpload(place, path, call?.signal);
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      const signal = call?.signal;
      let token: string | undefined;
      do {
        const page = await guard("list", prefix, signal, async () => {
          const { sdk, send } = await bucket();
          const command = new sdk.ListObjectsV2Command({
            Bucket: name,
            Prefix: key(prefix),
            // Keys may hold what XML cannot.
            EncodingType: "url",
            ...(token !== undefined
              ? { ContinuationToken: token }
              : call?.startAfter !== undefined && { StartAfter: key(call.startAfter) }),
          });
          return send(command, signal);
        });
        for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
          signal?.throwIfAborted();
          const found = decodeURIComponent(Key!.replaceAll("+", " "));
          // What some tools put for folders.
          if (found.endsWith("/")) continue;
          yield infoOf(found.slice(root.length), Size, LastModified, ETag);
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
    async delete(paths, call) {
      for (const path of paths) checkPath(path);
      const groups = Array.from({ length: Math.ceil(paths.length / DELETED_AT_ONCE) }, (_, i) =>
        paths.slice(i * DELETED_AT_ONCE, (i + 1) * DELETED_AT_ONCE),
      );
      call?.signal?.throwIfAborted();
      await forEachConcurrent(groups, DELETES_AT_ONCE, (group) =>
        guard("delete", group[0]!, call?.signal, async () => {
          const { sdk, send } = await bucket();
          if (group.length === 1) {
            await send(new sdk.DeleteObjectCommand({ Bucket: name, Key: key(group[0]!) }), call?.signal);
            return;
          }
          const Objects = group.map((path) => ({ Key: key(path) }));
          const command = new sdk.DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } });
          const { Errors = [] } = await send(command, call?.signal);
          const [first] = Errors.filter(({ Code }) => Code !== "NoSuchKey");
          if (first !== undefined)
            throw Object.assign(new Error(first.Message ?? "it failed"), {
              Code: first.Code,
              Key: first.Key,
            });
        }),
      );
    },
    async rename() {
      throw new AlluviumError("ALV_UNSUPPORTED", `${place.url}: objects of S3 cannot be renamed`);
    },
    async copy(from, to, call) {
      checkPath(from);
      checkPath(to);
      await guard("copy", from, call?.signal, () => copyObject(place, from, to, call?.signal));
    },
    async sync(paths, call) {
      for (const path of paths) checkPath(path);
      call?.signal?.throwIfAborted();
    },
    async now(call) {
      return guard("read the clock of", "", call?.signal, async () => {
        const { sdk, send } = await bucket();
        const command = new sdk.ListObjectsV2Command({ Bucket: name, Prefix: root, MaxKeys: 1 });
        let date: string | undefined;
        command.middlewareStack.add(
          (next) => async (args) => {
            const result = await next(args);
            date = (result.response as { readonly headers?: Record<string, string> }).headers?.["date"];
            return result;
          },
          { step: "deserialize", priority: "low", name: "alluviumDate" },
        );
        await send(command, call?.signal);
        return new Date(date ?? Date.now());
      });
    },
  };
}

function infoOf(
  path: string,
  size: number | undefined,
  modified: Date | undefined,
  etag: string | undefined,
): ObjectInfo {
  const time = modified?.getTime() ?? 0;
  return {
    path,
    size: size ?? 0,
    // A listing may have milliseconds, which headers do not.
    modified: new Date(time - (time % 1000)),
    ...(etag !== undefined && { etag }),
  };
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
function parseUrl(url: string): { readonly name: string; readonly root: string } {
  const match = /^s3a?:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/s.exec(url);
  if (match === null)
    throw new AlluviumError("ALV_CONFIG", `s3Store takes s3://bucket/prefix, not ${JSON.stringify(url)}`);
  const [, name, prefix = ""] = match as unknown as [string, string, string | undefined];
  if (prefix !== "") checkPath(prefix);
  return { name, root: prefix === "" ? "" : `${prefix}/` };
}

function checkOptions({ partSize, partsAtOnce, attempts, timeout }: S3StoreOptions): void {
  const least = { partSize: 5 * 1024 * 1024, partsAtOnce: 1, attempts: 1, timeout: 1 };
  for (const [option, value] of Object.entries({ partSize, partsAtOnce, attempts, timeout })) {
    const from = least[option as keyof typeof least];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= from))
      throw new AlluviumError(
        "ALV_CONFIG",
        `s3Store: ${option} is ${value}, but must be a whole number from ${from}`,
      );
  }
}
