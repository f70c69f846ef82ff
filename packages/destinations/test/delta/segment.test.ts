import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import { canonicalForm, jsonChecksum, readLastCheckpoint } from "../../src/delta/log/last-checkpoint.ts";
import { parseLogName } from "../../src/delta/log/paths.ts";
import { listSegment } from "../../src/delta/log/segment.ts";
import { metaData, name, protocol, put, tableOf } from "./log.ts";

const empty = [protocol, metaData(["a"])];

async function versions(store: Parameters<typeof listSegment>[0], version?: number): Promise<unknown> {
  const segment = await listSegment(store, "t", version === undefined ? {} : { version });
  return (
    segment && [segment.version, segment.checkpoint?.version, segment.commits.map((commit) => commit.version)]
  );
}

describe("names", () => {
  test.each([
    ["00000000000000000007.json", { kind: "commit", version: 7 }],
    ["00000000000000000007.crc", { kind: "checksum", version: 7 }],
    ["00000000000000000001.00000000000000000007.compacted.json", { kind: "compacted", version: 1, end: 7 }],
    [
      "00000000000000000007.checkpoint.parquet",
      { kind: "checkpoint", version: 7, format: "parquet", part: 1, parts: 1 },
    ],
    [
      "00000000000000000007.checkpoint.0000000002.0000000003.parquet",
      { kind: "checkpoint", version: 7, format: "parquet", part: 2, parts: 3 },
    ],
    [
      "00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
      { kind: "checkpoint", version: 10, format: "json", part: 1, parts: 1 },
    ],
    ["_last_checkpoint", undefined],
    [".00000000000000000007.checkpoint.parquet.80a083e8-7026-4e79-81be-64bd76c43a11.tmp", undefined],
    ["00000000000000000007.json.tmp", undefined],
    ["00000000000000000007.80a083e8-7026-4e79-81be-64bd76c43a11.json", undefined],
  ])("%s", (file, expected) => {
    expect(parseLogName(file)).toEqual(expected);
  });
});

describe("the files that describe a version", () => {
  test("without a log there is no table", async () => {
    expect(await listSegment(memoryStore(), "t")).toBeUndefined();
  });

  test("all commits, or those up to a version", async () => {
    const store = await tableOf(empty, [], [], []);
    expect(await versions(store)).toEqual([3, undefined, [0, 1, 2, 3]]);
    expect(await versions(store, 1)).toEqual([1, undefined, [0, 1]]);
  });

  test("a checkpoint replaces what is before it, whether the hint names it or not", async () => {
    const store = await tableOf(empty, [], [], []);
    await put(store, name(2, "checkpoint.parquet"), []);
    expect(await versions(store)).toEqual([3, 2, [3]]);
    await put(store, "t/_delta_log/_last_checkpoint", ['{"version":2,"size":1}']);
    expect(await versions(store)).toEqual([3, 2, [3]]);
    expect(await versions(store, 1)).toEqual([1, undefined, [0, 1]]);
    await store.delete([name(0), name(1), name(2)]);
    expect(await versions(store)).toEqual([3, 2, [3]]);
    await expect(versions(store, 1)).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
  });

  test("a checkpoint with a part missing is none", async () => {
    const store = await tableOf(empty, [], []);
    await put(store, name(1, "checkpoint.0000000001.0000000002.parquet"), []);
    expect(await versions(store)).toEqual([2, undefined, [0, 1, 2]]);
    await put(store, name(1, "checkpoint.0000000002.0000000002.parquet"), []);
    expect(await versions(store)).toEqual([2, 1, [2]]);
  });

  test.each([
    "not json",
    "",
    '{"version":-1}',
    '{"version":9,"size":1}',
    '{"version":2,"size":1,"checksum":"00"}',
  ])("a damaged hint (%s) does no harm", async (hint) => {
    const store = await tableOf(empty, [], [], []);
    await put(store, name(2, "checkpoint.parquet"), []);
    await put(store, "t/_delta_log/_last_checkpoint", [hint]);
    expect(await versions(store)).toEqual([3, 2, [3]]);
  });

  test("a gap names the missing commit", async () => {
    const store = await tableOf(empty, [], [], []);
    await store.delete([name(2)]);
    await expect(versions(store)).rejects.toMatchObject({
      code: "ALV_FILE_INVALID",
      message: expect.stringContaining("00000000000000000002.json is missing"),
    });
    expect(await versions(store, 1)).toEqual([1, undefined, [0, 1]]);
    await expect(versions(store, 2)).rejects.toMatchObject({ code: "ALV_FILE_INVALID" });
  });

  test("a log that lost its beginning is not read as if it were whole", async () => {
    const store = await tableOf(empty, [], []);
    await store.delete([name(0)]);
    await expect(versions(store)).rejects.toMatchObject({
      code: "ALV_FILE_INVALID",
      message: expect.stringContaining("begins at version 1"),
    });
  });

  test("a version that is not there yet", async () => {
    const store = await tableOf(empty);
    await expect(versions(store, 5)).rejects.toMatchObject({
      code: "ALV_NOT_FOUND",
      message: expect.stringContaining("no version 5; the newest is 0"),
    });
  });
});

describe("the checksum of _last_checkpoint", () => {
  // The test vector of the specification.
  const sample = {
    k0: "'v 0'",
    checksum: "adsaskfljadfkjadfkj",
    k1: { k2: 2, k3: ["v3", [1, 2], { k4: "v4", k5: ["v5", "v6", "v7"] }] },
  };

  test("is that of the specification's vector", () => {
    expect(canonicalForm(sample)).toBe(
      '"k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,' +
        '"k1"+"k3"+2+"k4"="v4","k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7"',
    );
    expect(jsonChecksum(sample)).toBe("6a92d155a59bf2eecbd4b4ec7fd1f875");
  });

  test("is checked when the hint is read", async () => {
    const store = memoryStore();
    const hint = { version: 3, size: 9 };
    await put(store, "t/_delta_log/_last_checkpoint", [{ ...hint, checksum: jsonChecksum(hint) }]);
    expect(await readLastCheckpoint(store, "t")).toMatchObject(hint);
    await put(store, "t/_delta_log/_last_checkpoint", [
      { version: 4, size: 9, checksum: jsonChecksum(hint) },
    ]);
    expect(await readLastCheckpoint(store, "t")).toBeUndefined();
  });
});
