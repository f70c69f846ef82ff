import { AlluviumError, timeOrderedId, type Partition, type Schema } from "@alluvium/core";
import { rowsOf, type Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf, suiteContext } from "@alluvium/core/testing";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { csv, files, jsonLines, type FilesFormat, type FilesOptions } from "../../src/files/index.ts";
import { appendPlan, pathsIn, stateWith } from "../lake/lakes.ts";
import { duckRows } from "./text-rows.ts";

type Store = ReturnType<typeof memoryStore>;

const open = (options: FilesOptions, more: Partial<ReturnType<typeof suiteContext>> = {}) =>
  files(options).open({ ...suiteContext(), leaseWait: 0, ...more });

interface LoadOptions {
  readonly partitionBy?: readonly Partition[];
  readonly where?: readonly { readonly column: string; readonly op: "="; readonly value: string | bigint }[];
  readonly table?: string;
}

/** One load of a table `t`, in a session of its own. */
async function load(
  store: Store,
  format: FilesFormat,
  batches: readonly Batch[],
  { partitionBy = [], where, table = "t" }: LoadOptions = {},
): Promise<void> {
  await using session = await open({ store, format });
  await session.recover();
  const plan = {
    ...appendPlan(table, batches[0]!),
    partitionBy,
    ...(where && { disposition: { kind: "append" as const, replaceWhere: where } }),
  };
  const next = await session.begin({ loadId: timeOrderedId(), startedAt: new Date(), tables: [plan] });
  for (const batch of batches) await next.write(table, batch);
  await next.mark(table, { seal: true, end: true });
  await next.commit(stateWith([plan], next.loadId));
}

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

/** One value of each type, and nulls; texts that are hard for text formats. */
const awkward = batchOf({
  id: [int64, [1n, 2n, -9_223_372_036_854_775_808n]],
  text: [string, ['a "b", c\n;d\r\n|', "", null]],
  spaced: [string, [" x ", "NULL", "ünïcode \u{1F600}"]],
  flag: [{ kind: "boolean" }, [true, false, null]],
  money: [
    { kind: "decimal", precision: 38, scale: 2 },
    ["123456789012345678901234567890123456.78", "-0.05", null],
  ],
  real: [{ kind: "float32" }, [0.1, Number.NaN, Number.NEGATIVE_INFINITY]],
  double: [{ kind: "float64" }, [1e300, -0.1, null]],
  day: [{ kind: "date" }, ["2024-02-29", "0001-01-01", null]],
  clock: [{ kind: "time" }, ["23:59:59.999999", "24:00:00", null]],
  instant: [{ kind: "timestamp", zone: "utc" }, [1_700_000_000_123_456n, -1n, null]],
  wall: [{ kind: "timestamp", zone: "local" }, [1_700_000_000_000_000n, 0n, null]],
  key: [{ kind: "uuid" }, ["0123e567-e89b-12d3-a456-426614174000", null, null]],
  raw: [{ kind: "binary" }, [Uint8Array.of(0, 255, 10), new Uint8Array(0), null]],
  doc: [{ kind: "json" }, ['{"a": [1,\n 2.50]}', '"x"', null]],
  list: [{ kind: "list", element: { name: "element", type: int64, nullable: true } }, [[1n, null], [], null]],
  struct: [
    {
      kind: "struct",
      fields: [
        { name: "bytes", type: { kind: "binary" }, nullable: true },
        { name: "at", type: { kind: "date" }, nullable: true },
      ],
    },
    [{ bytes: Uint8Array.of(1, 2), at: "2024-01-01" }, { bytes: null, at: null }, null],
  ],
  map: [
    {
      kind: "map",
      key: { name: "key", type: string, nullable: false },
      value: { name: "value", type: { kind: "float64" }, nullable: true },
    },
    [new Map([["a", 1.5]]), new Map([['q"', Number.NaN]]), null],
  ],
});

const all: readonly (readonly [string, FilesFormat])[] = [
  ["CSV", csv()],
  ["CSV with semicolons and a text for null", csv({ delimiter: ";", null: "NULL" })],
  ["CSV with bars, gzip", csv({ delimiter: "|", compression: "gzip" })],
  ["JSON lines", jsonLines()],
  ["JSON lines, zstd", jsonLines({ compression: "zstd" })],
];

/** The rows of a table as the destination itself reads them. */
async function scanned(store: Store, format: FilesFormat): Promise<unknown[]> {
  await using session = await open({ store, format });
  const rows: unknown[] = [];
  for await (const batch of session.scan!("t", {})) rows.push(...rowsOf(batch, { timestamps: "micros" }));
  return rows;
}

/** The lines of a table's only file. */
async function textsOf(store: Store): Promise<readonly string[]> {
  const [path] = (await pathsIn(store, "t/")).filter((each) => /\.jsonl(\.zst)?$/.test(each));
  const bytes = await store.get(path!);
  const text = path!.endsWith(".zst") ? zstdDecompressSync(bytes) : Buffer.from(bytes);
  return String(text).trimEnd().split("\n");
}

describe.each(all)("a folder of %s", (title, format) => {
  test("gives back every value of every type", async () => {
    const store = memoryStore();
    await load(store, format, [awkward]);
    const rows = await scanned(store, format);
    const expected = [...rowsOf(awkward, { timestamps: "micros" })];
    expect(rows).toEqual(expected);
  });

  test("is read by DuckDB with the same values", async () => {
    const store = memoryStore();
    await load(store, format, [awkward]);
    const reading = title.startsWith("CSV")
      ? `types = {text: 'VARCHAR', spaced: 'VARCHAR', id: 'BIGINT', money: 'VARCHAR'}, allow_quoted_nulls = false${title.includes("null") ? ", nullstr = 'NULL'" : ""}`
      : "columns = {id: 'BIGINT', text: 'VARCHAR', spaced: 'VARCHAR', money: 'VARCHAR', flag: 'BOOLEAN', double: 'DOUBLE'}";
    const rows = await duckRows(store, "t", reading);
    expect(rows.map(({ id }) => id)).toEqual([1n, 2n, -9_223_372_036_854_775_808n]);
    expect(rows.map(({ text }) => text)).toEqual(['a "b", c\n;d\r\n|', "", null]);
    expect(rows.map(({ spaced }) => spaced)).toEqual([" x ", "NULL", "ünïcode \u{1F600}"]);
    expect(rows.map(({ flag }) => flag)).toEqual([true, false, null]);
    // DuckDB reads numbers in JSON as doubles, whatever column they are for: there only the text tells.
    const digits = title.startsWith("CSV")
      ? rows.map(({ money }) => money)
      : (await textsOf(store)).map((line) => /"money":([-\d.]+|null)/.exec(line)?.[1]);
    expect(digits.map(String)).toEqual(["123456789012345678901234567890123456.78", "-0.05", "null"]);
    expect(rows.map(({ double }) => double)).toEqual([1e300, -0.1, null]);
  });
});

describe("a folder of CSV", () => {
  const rows = (from: number, ...countries: readonly (string | null)[]) =>
    batchOf({
      id: [int64, countries.map((__, i) => BigInt(from + i))],
      country: [string, [...countries]],
    });

  test("is what RFC 4180 says, null and empty text told apart", async () => {
    const store = memoryStore();
    await load(store, csv(), [rows(1, "de", null, "", 'a,"b"')]);
    const [path] = (await pathsIn(store, "t/")).filter((each) => each.endsWith(".csv"));
    expect(new TextDecoder().decode(await store.get(path!))).toBe(
      'id,country\n1,de\n2,\n3,""\n4,"a,""b"""\n',
    );
  });

  test("is partitioned as Hive does, and its partitions come back", async () => {
    const store = memoryStore();
    await load(store, csv(), [rows(1, "de", "a/b", null)], { partitionBy: [{ column: "country" }] });
    const paths = (await pathsIn(store, "t/")).filter((each) => each.endsWith(".csv"));
    expect(new Set(paths.map((path) => path.split("/")[1]))).toEqual(
      new Set(["country=__HIVE_DEFAULT_PARTITION__", "country=a%2Fb", "country=de"]),
    );
    expect(await scanned(store, csv())).toEqual(
      expect.arrayContaining([
        { id: 1n, country: "de" },
        { id: 2n, country: "a/b" },
        { id: 3n, country: null },
      ]),
    );
    const found = await duckRows(store, "t");
    expect(new Map(found.map(({ id, country }) => [id, country]))).toEqual(
      new Map<bigint, string | null>([
        [1n, "de"],
        [2n, "a/b"],
        [3n, null],
      ]),
    );
  });

  test.each([[[]], [[{ column: "country" }]]])(
    "replaces a window, partitioned by %j",
    async (partitionBy) => {
      const store = memoryStore();
      await load(store, csv(), [rows(1, "de", "fr", "de", null)], { partitionBy });
      await load(store, csv(), [rows(9, "de")], {
        partitionBy,
        where: [{ column: "country", op: "=", value: "de" }],
      });
      expect(await idsInAll(store)).toEqual([2, 4, 9]);
    },
  );

  test("keeps all its files when the compression changes", async () => {
    const store = memoryStore();
    await load(store, csv(), [rows(1, "de")]);
    await load(store, csv({ compression: "gzip" }), [rows(2, "fr")]);
    await load(store, csv({ compression: "zstd" }), [rows(3, "it")]);
    expect(await idsInAll(store)).toEqual([1, 2, 3]);
    const bytesOf = async (ending: string) => {
      const [path] = (await pathsIn(store, "t/")).filter((each) => each.endsWith(ending));
      return store.get(path!);
    };
    expect(String(gunzipSync(await bytesOf(".gz")))).toBe("id,country\n2,fr\n");
    expect(String(zstdDecompressSync(await bytesOf(".zst")))).toBe("id,country\n3,it\n");
    await load(store, csv(), [rows(4, "fr")], { where: [{ column: "country", op: "=", value: "fr" }] });
    expect(await idsInAll(store)).toEqual([1, 3, 4]);
  });

  test("refuses a folder of another format or dialect, and one that others wrote", async () => {
    const store = memoryStore();
    await load(store, csv(), [rows(1, "de")]);
    const code = async (work: Promise<unknown>) =>
      work.then(
        () => "done",
        (error: unknown) => (AlluviumError.is(error) ? error.code : error),
      );
    expect(await code(load(store, csv({ delimiter: ";" }), [rows(2, "fr")]))).toBe("ALV_CONFIG");
    expect(await code(load(store, jsonLines(), [rows(2, "fr")]))).toBe("ALV_CONFIG");
    await store.put("foreign/a.csv", new TextEncoder().encode("x\n1\n"));
    expect(await code(load(store, csv(), [rows(2, "fr")], { table: "foreign" }))).toBe("ALV_TABLE_FOREIGN");
    expect(await idsInAll(store)).toEqual([1]);
  });

  test("keeps one description a writer", async () => {
    const store = memoryStore();
    for (const i of [1, 2, 3]) await load(store, csv(), [rows(i, "de")]);
    const paths = await pathsIn(store, "t/_table/");
    expect(paths).toHaveLength(1);
    expect(paths[0]).toMatch(/^t\/_table\/suite\/main\/[\da-f]+\/0{19}2\.alluvium$/);
  });

  async function idsInAll(store: Store): Promise<readonly number[]> {
    return (await scanned(store, csv()))
      .map((row) => Number((row as { id: bigint }).id))
      .sort((a, b) => a - b);
  }
});

test("a folder whose writer goes on while it is looked at stays its folder", async () => {
  const store = memoryStore();
  const row = (id: bigint): Batch => batchOf({ id: [int64, [id]] });
  await load(store, csv(), [row(1n)]);
  let moved = false;
  const moving: Store = {
    ...store,
    async get(path, call) {
      if (!moved && path.startsWith("t/_table/")) {
        moved = true;
        await load(store, csv(), [row(2n)]);
      }
      return store.get(path, call);
    },
  };
  const rows = await scanned(moving, csv());
  expect(moved).toBe(true);
  const ids = rows.map((each) => Number((each as { id: bigint }).id)).toSorted((a, b) => a - b);
  expect(ids).toEqual([1, 2]);
});

test("a folder that is made while it is looked at is not taken for somebody else's", async () => {
  const store = memoryStore();
  let made = false;
  const making: Store = {
    ...store,
    async *list(prefix, call) {
      yield* store.list(prefix, call);
      if (made || prefix !== "t/_table/") return;
      made = true;
      await load(store, csv(), [batchOf({ id: [int64, [1n]] })]);
    },
  };
  expect(await scanned(making, csv())).toEqual([{ id: 1n }]);
  expect(made).toBe(true);
});

test("options are checked when it is opened", async () => {
  const store = memoryStore();
  const wrong: readonly [FilesOptions, RegExp][] = [
    [{ store } as unknown as FilesOptions, /format is undefined/],
    [{ store, format: csv({ delimiter: "x" as "," }) }, /delimiter of csv is "x"/],
    [{ store, format: csv({ null: 'a"' }) }, /null of csv/],
    [{ store, format: jsonLines({ compression: "lz4" as "gzip" }) }, /compression of jsonLines is "lz4"/],
    [{ store, format: csv({ colour: 1 } as object) }, /csv has no option colour/],
    [{ store, format: csv(), targetFileBytes: 5 }, /targetFileBytes is 5/],
    [
      {
        store: { ...store, capabilities: { ...store.capabilities, rename: false } },
        format: csv(),
        targetFileBytes: 5e9,
      },
      /targetFileBytes is 5000000000.*at most 4294967296/,
    ],
  ];
  for (const [options, message] of wrong) await expect(open(options)).rejects.toThrow(message);
});

test("files are closed at their target size, compressed or not", async () => {
  for (const format of [csv(), csv({ compression: "gzip" })]) {
    const store = memoryStore();
    const schema: Schema = { fields: [{ name: "note", type: string, nullable: true }] };
    const note = (i: number): string =>
      Array.from({ length: 40 }, (_, at) => Math.imul(40 * i + at, 2_654_435_761)).join("");
    const batches = Array.from({ length: 12 }, (_, at) => ({
      ...batchOf({ note: [string, Array.from({ length: 1000 }, (__, i) => note(at * 1000 + i))] }),
      schema,
    }));
    await using session = await open({ store, format, targetFileBytes: 1 << 20 });
    await session.recover();
    const plan = appendPlan("t", batches[0]!);
    const next = await session.begin({ loadId: timeOrderedId(), startedAt: new Date(), tables: [plan] });
    for (const batch of batches) await next.write("t", batch);
    await next.mark("t", { seal: true, end: true });
    await next.commit(stateWith([plan], next.loadId));
    const paths = (await pathsIn(store, "t/")).filter((path) => /\.csv(\.gz)?$/.test(path));
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) expect((await store.head(path))!.size).toBeLessThan(2 << 20);
  }
});
