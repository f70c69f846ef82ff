import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import { delta, deltaTable, type DeltaOptions } from "../../src/delta/index.ts";
import { checkLakeOptions, openStore } from "../../src/lake/options.ts";
import { deltaFormat } from "../../src/delta/format.ts";
import { changeOf, contextOf, filesOf } from "./tables.ts";

test.each<[unknown, string, RegExp]>([
  [{}, "ALV_CONFIG", /give either `url` \(a folder\) or `store`/],
  [{ url: "./x", store: memoryStore() }, "ALV_CONFIG", /give either/],
  [{ url: "" }, "ALV_CONFIG", /url is empty/],
  [{ url: 7 }, "ALV_CONFIG", /url/],
  [{ store: {} }, "ALV_CONFIG", /store is \{\}; it must be an ObjectStore/],
  [{ url: "./x", compression: "lzma" }, "ALV_CONFIG", /compression/],
  [{ url: "./x", targetFileBytes: 0 }, "ALV_CONFIG", /targetFileBytes/],
  [{ url: "./x", typo: 1 }, "ALV_CONFIG", /typo/],
  [{ url: "gs://bucket/lake" }, "ALV_UNSUPPORTED", /gs: URLs are not supported yet/],
])("%j is refused when it is opened, not before", async (options, code, message) => {
  const destination = delta(options as DeltaOptions);
  expect(destination.capabilities.abilities).toContain("append");
  await expect(destination.open({} as never)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test("a Windows drive is a path, a file URL too", () => {
  expect(openStore("./lake", "delta").url).toMatch(/^file:.*\/lake$/);
  expect(openStore(pathToFileURL("/tmp/lake"), "delta").url).toBe("file:///tmp/lake");
  expect(() => openStore("gs://x", "delta")).toThrow("gs: URLs");
});

test("defaults", () => {
  const store = memoryStore();
  expect(checkLakeOptions("delta", { store })).toEqual({
    store,
    compression: "zstd",
    targetFileBytes: undefined,
  });
});

test("files of a local table have paths on the disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "alluvium-delta-"));
  try {
    const store = openStore(folder, "test");
    const schema = {
      fields: [
        { name: "p", type: { kind: "string" }, nullable: true },
        { name: "a", type: { kind: "int64" }, nullable: true },
      ],
    } as const;
    const partitionBy = [{ column: "p" }];
    const files = await filesOf(store, schema, [{ p: "a b/%=é", a: 1 }], partitionBy);
    await deltaFormat.apply(changeOf(schema, { partitionBy, files }), contextOf(store, 0));
    const table = deltaTable(join(folder, "t"));
    expect(table.url).toBe(pathToFileURL(join(folder, "t")).href);
    const paths: string[] = [];
    for await (const file of (await table.snapshot()).files()) paths.push(file.path);
    expect(paths).toEqual([join(folder, "t", files[0]!.final)]);
    const { access } = await import("node:fs/promises");
    await access(paths[0]!);
  } finally {
    await rm(folder, { recursive: true });
  }
});
