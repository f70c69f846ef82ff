import { describe, test } from "vitest";
import { s3Store } from "@alluvium/core/storage/s3";
import { storeSuite } from "@alluvium/core/testing";
import { BUCKET, startS3 } from "./server.ts";

describe.each(["", "/deep/prefix"])("a bucket as a store, with prefix %j", (prefix) => {
  storeSuite({
    test,
    async open() {
      const server = await startS3();
      const { endpoint, account } = server;
      const store = s3Store(`s3://${BUCKET}${prefix}`, { endpoint, credentials: account });
      return { store, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  });
});
