import { describe, expect, test } from "vitest";
import { parseExact, readActions, stringifyExact } from "../../src/delta/log/codec.ts";
import { readFiles } from "../../src/delta/log/replay.ts";
import { listSegment } from "../../src/delta/log/segment.ts";
import { loadState } from "../../src/delta/log/state.ts";
import { add, metaData, name, pathsOf, protocol, put, remove, tableOf } from "./log.ts";

type Store = Awaited<ReturnType<typeof tableOf>>;

async function files(store: Store, version?: number): Promise<{ live: string[]; gone: string[] }> {
  const segment = await listSegment(store, "t", version === undefined ? {} : { version });
  return pathsOf(readFiles(store, "t", segment!));
}

const dv = (id: string): Record<string, unknown> => ({
  deletionVector: { storageType: "u", pathOrInlineDv: id, offset: 1, sizeInBytes: 1, cardinality: 1 },
});

describe("files", () => {
  test("the newest action of a file counts", async () => {
    const store = await tableOf(
      [protocol, metaData(["a"]), add("1"), add("2")],
      [remove("1"), add("3")],
      [add("1"), remove("3")],
    );
    expect(await files(store)).toEqual({ live: ["1", "2"], gone: ["3"] });
    expect(await files(store, 1)).toEqual({ live: ["2", "3"], gone: ["1"] });
    expect(await files(store, 0)).toEqual({ live: ["1", "2"], gone: [] });
  });

  test("a file with another deletion vector is another file", async () => {
    const store = await tableOf(
      [protocol, metaData(["a"]), add("1")],
      [remove("1"), add("1", dv("x"))],
      [remove("1", dv("x")), add("1", dv("y"))],
    );
    const segment = await listSegment(store, "t");
    const live = [];
    for await (const action of readFiles(store, "t", segment!)) if (action.add) live.push(action.add);
    expect(live).toMatchObject([{ path: "1", deletionVector: { pathOrInlineDv: "y" } }]);
  });

  test("the same path in another spelling is the same file", async () => {
    const store = await tableOf(
      [protocol, metaData(["a"]), add("a%20b"), add("file:/data/x"), add("/data/y"), add("p%253D1/q")],
      [remove("a b"), remove("file:///data/x"), remove("file:/data/y"), remove("p%253D1/q")],
    );
    expect((await files(store)).live).toEqual([]);
  });

  test("a log compaction stands for its commits", async () => {
    const store = await tableOf(
      [protocol, metaData(["a"]), add("1")],
      [remove("1"), add("2")],
      [remove("2"), add("3")],
      [add("4")],
    );
    await put(store, "t/_delta_log/00000000000000000001.00000000000000000002.compacted.json", [
      remove("1"),
      remove("2"),
      add("3-compacted"),
    ]);
    expect(await files(store)).toEqual({ live: ["3-compacted", "4"], gone: ["1", "2"] });
    // It goes beyond this version.
    expect(await files(store, 1)).toEqual({ live: ["2"], gone: ["1"] });
  });

  test("lines longer than what is read at once, and many of them", async () => {
    const adds = Array.from({ length: 30_000 }, (_, i) =>
      add(`file-${i}`, { tags: { x: "é".repeat(i % 200) } }),
    );
    const long = add("long", { tags: { x: "y".repeat(5_000_000) } });
    const store = await tableOf([protocol, metaData(["a"]), ...adds, long]);
    const { live } = await files(store);
    expect(live).toHaveLength(30_001);
    expect(live).toContain("file-29999");
    expect(live).toContain("long");
  });
});

describe("everything else", () => {
  test("is taken where it was last said", async () => {
    const store = await tableOf(
      [protocol, metaData(["a"]), { txn: { appId: "x", version: 1 } }, { txn: { appId: "y", version: 7 } }],
      [{ domainMetadata: { domain: "d", configuration: "1", removed: false } }],
      [metaData(["a", "b"]), { txn: { appId: "x", version: 2 } }, { unknownAction: { a: 1 } }],
      [{ domainMetadata: { domain: "d", configuration: "1", removed: true } }],
    );
    const state = await loadState(store, "t");
    expect(state!.schema.fields.map((field) => field.name)).toEqual(["a", "b"]);
    expect([...state!.transactions.values()]).toEqual([
      { appId: "x", version: 2 },
      { appId: "y", version: 7 },
    ]);
    expect(state!.domains.size).toBe(0);
  });

  test("integers beyond a double keep their digits", () => {
    const text = '{"txn":{"appId":"12345678901234567890","version":9223372036854775807}}';
    expect(parseExact(text)).toEqual({
      txn: { appId: "12345678901234567890", version: 9223372036854775807n },
    });
    expect(stringifyExact(parseExact(text))).toBe(text);
  });

  test.each([
    ["protocol", [metaData(["a"])]],
    ["metaData", [protocol]],
  ])("a log without %s is damaged", async (missing, lines) => {
    await expect(loadState(await tableOf(lines), "t")).rejects.toMatchObject({
      code: "ALV_FILE_INVALID",
      message: expect.stringContaining(`no ${missing} action`),
    });
  });

  test.each([
    "{not json",
    "[]",
    "7",
    '{"add":{"path":"x"}}',
    '{"remove":{}}',
    '{"metaData":{"id":"x"}}',
    '{"protocol":{"minReaderVersion":"1"}}',
    '{"txn":{"appId":"x"}}',
  ])("a damaged line (%s) is named by file and number", async (line) => {
    const store = await tableOf([protocol, metaData(["a"])], [add("1"), "", line]);
    await expect(loadState(store, "t")).rejects.toMatchObject({
      code: "ALV_FILE_INVALID",
      message: expect.stringContaining(`line 3 of ${name(1)}`),
    });
  });

  test("a commit cut short in the middle of a line", async () => {
    const store = await tableOf([protocol, metaData(["a"])]);
    await store.put(name(1), new TextEncoder().encode(`${JSON.stringify(add("1"))}\n{"add":{"pa`));
    const read = async (): Promise<void> => {
      for await (const action of readActions(store, (await store.head(name(1)))!)) void action;
    };
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining("line 2 of") });
  });
});
