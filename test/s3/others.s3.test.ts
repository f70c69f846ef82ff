import { randomBytes } from "node:crypto";
import { CopyObjectCommand, CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, inject, test } from "vitest";
import { pipeline, resource, source } from "@alluvium/core";
import { s3Store, type S3ClientLike } from "@alluvium/core/storage/s3";
import { csv, files } from "@alluvium/destinations/files";
import { csvLake } from "../../packages/destinations/test/lake/real-lakes.ts";
import { storeSuite } from "@alluvium/core/testing";

/** Where others differ from S3 itself. */
const different = {
  ministack: [],
  // It keeps objects as files, and lists by code units of UTF-16.
  s3proxy: ["tells an absent object by name", "lists by prefix in byte order, after a start"],
} as const;

// The same suite that our own server of the protocol passes: what it does, others do too.
describe.each(["ministack", "s3proxy"] as const)("a bucket of %s as a store", (name) => {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const endpoint = inject("s3")[name];
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  const known: readonly string[] = different[name];
  const newBucket = async (): Promise<string> => {
    const bucket = `test-${randomBytes(8).toString("hex")}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return bucket;
  };
  storeSuite({
    test(what, run) {
      const check = known.includes(what) ? test.fails : test;
      check(what, run);
    },
    async open() {
      const store = s3Store(`s3://${await newBucket()}/lake`, { endpoint, credentials });
      return { store, async [Symbol.asyncDispose]() {} };
    },
  });

  test("copies what is too large for one request in parts", async () => {
    const refusing = {
      send: async (command: object, options: never) => {
        if (!(command instanceof CopyObjectCommand)) return client.send(command as never, options);
        throw Object.assign(new Error("the copy source is too large"), { name: "InvalidRequest" });
      },
    } as unknown as S3ClientLike;
    const MiB = 1024 * 1024;
    const store = s3Store(`s3://${await newBucket()}/lake`, { client: refusing, partSize: 5 * MiB });
    const large = Uint8Array.from({ length: 11 * MiB }, (_, i) => (i * 2654435761) >>> 24);
    await store.put("a b/from", large);
    await store.copy("a b/from", "to");
    expect(Buffer.compare(await store.get("to"), large)).toBe(0);
  });

  test("holds folders of files", async () => {
    const store = s3Store(`s3://${await newBucket()}/out`, { endpoint, credentials });
    for (const run of [1, 2]) {
      const added = resource({
        name: "added",
        disposition: "append",
        partitionBy: ["place"],
        async *read() {
          yield [1, 2, 3].map((id) => ({ id: 10 * run + id, place: id === 2 ? "a b=c/ä" : "x" }));
        },
      });
      const replaced = resource({
        name: "replaced",
        disposition: "replace",
        async *read() {
          yield [{ run }];
        },
      });
      const destination = files({ store, format: csv() });
      await pipeline({ name: "p", source: source("s", () => [added, replaced])(), destination }).run();
    }
    const ids = (await csvLake.read(store, "added")).map(({ id }) => Number(id)).toSorted((a, b) => a - b);
    expect(ids).toEqual([11, 12, 13, 21, 22, 23]);
    expect((await csvLake.read(store, "replaced")).map(({ run }) => Number(run))).toEqual([2]);
    const left = await Array.fromAsync(store.list(""), ({ path }) => path);
    expect(left.filter((path) => path.includes("_staged"))).toEqual([]);
  });
});
