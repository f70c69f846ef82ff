import { randomBytes } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, inject, test } from "vitest";
import { s3Store } from "@alluvium/core/storage/s3";
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
  storeSuite({
    test(what, run) {
      const check = known.includes(what) ? test.fails : test;
      check(what, run);
    },
    async open() {
      const bucket = `test-${randomBytes(8).toString("hex")}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      const store = s3Store(`s3://${bucket}/lake`, { endpoint, credentials });
      return { store, async [Symbol.asyncDispose]() {} };
    },
  });
});
