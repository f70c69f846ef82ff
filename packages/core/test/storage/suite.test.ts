import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { fileStore } from "../../src/storage/file.ts";
import { memoryStore } from "../../src/storage/memory.ts";
import { storeSuite } from "../../src/testing/store-suite.ts";

describe("memoryStore", () => {
  const open = async () => ({ store: memoryStore(), [Symbol.asyncDispose]: async () => {} });
  storeSuite({ test, open });
});

describe("fileStore", () => {
  const open = async () => {
    const root = await mkdtemp(join(tmpdir(), "alluvium-store-"));
    return {
      store: fileStore(join(root, "new", "lake")),
      [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
    };
  };
  storeSuite({ test, open });
});
