import { memoryStore } from "@alluvium/core/storage/memory";
import { fileStore } from "@alluvium/core/storage/file";
import { faultStore } from "@alluvium/core/testing";
import type { ObjectStore, RunEvent, Schema } from "@alluvium/core";
import { nullVector, vectorOf, type Batch } from "@alluvium/core/columns";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DataFile, TableWriterOptions } from "../../../src/lake/contract.ts";
import { partitionDirectory } from "../../../src/lake/files/partition-path.ts";
import { openTableWriter } from "../../../src/lake/files/table-writer.ts";

const base: Schema = {
  fields: [
    { name: "id", type: { kind: "int32" }, nullable: false },
    { name: "country", type: { kind: "string" }, nullable: true },
    { name: "later", type: { kind: "null" }, nullable: true },
  ],
};

function batch(rows: readonly (readonly unknown[])[], schema: Schema = base): Batch {
  return {
    schema,
    length: rows.length,
    columns: schema.fields.map(({ type }, i) =>
      type.kind === "null"
        ? nullVector(type, rows.length)
        : vectorOf(
            type,
            rows.map((row) => row[i] ?? null),
          ),
    ),
  };
}

function options(store: ObjectStore, more: Partial<TableWriterOptions> = {}): TableWriterOptions {
  let ids = 0;
  return {
    store,
    directory: "orders",
    table: "orders",
    place: (id, partition) => ({
      staged: `_staged/${id}`,
      final: `${partitionDirectory(partition)}${id}.parquet`,
    }),
    partitionBy: [],
    schema: base,
    budget: 64 * 1024 * 1024,
    newId: () => String(ids++),
    emit: () => {},
    ...more,
  };
}

async function rowsOf(store: ObjectStore, file: DataFile): Promise<Record<string, unknown>[]> {
  const bytes = await store.get(`orders/${file.staged}`);
  expect(bytes.length).toBe(file.size);
  return parquetReadObjects({ file: bytes.slice().buffer, compressors });
}

async function paths(store: ObjectStore): Promise<string[]> {
  const all: string[] = [];
  for await (const { path } of store.list("")) all.push(path);
  return all;
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "alluvium-writer-"));
});
afterAll(() => rm(root, { recursive: true }));

describe.each([
  ["memory", () => memoryStore()],
  ["file", () => fileStore(join(root, crypto.randomUUID()))],
])("on a %s store", (_, open) => {
  test("writes one file with its statistics, without columns of unknown type", async () => {
    const store = open();
    const events: RunEvent[] = [];
    await using writer = openTableWriter(
      options(store, {
        emit: (event) => events.push(event),
        keyValueMetadata: { "alluvium.pipeline": "shop" },
      }),
    );
    await writer.write(
      batch([
        [1, "de"],
        [2, null],
      ]),
    );
    await writer.write(batch([[-3, "fr"]]));
    const files = await writer.seal();
    expect(files).toEqual([
      {
        staged: "_staged/0",
        final: "0.parquet",
        partition: {},
        rows: 3,
        size: expect.any(Number) as number,
        columns: [
          { path: ["id"], nulls: 0, min: "-3", max: "2" },
          { path: ["country"], nulls: 1, min: "de", max: "fr" },
        ],
      },
    ]);
    expect(await rowsOf(store, files[0]!)).toEqual([
      { id: 1, country: "de" },
      { id: 2, country: null },
      { id: -3, country: "fr" },
    ]);
    const metadata = parquetMetadata((await store.get("orders/_staged/0")).slice().buffer);
    expect(metadata.key_value_metadata).toContainEqual({ key: "alluvium.pipeline", value: "shop" });
    expect(events).toEqual([
      {
        type: "fileWritten",
        time: expect.any(Number) as number,
        table: "orders",
        path: "orders/_staged/0",
        rows: 3,
        bytes: files[0]!.size,
      },
    ]);
    expect(await writer.seal()).toEqual([]);
  });

  test("does nothing before the first row", async () => {
    const store = faultStore(open());
    await using writer = openTableWriter(options(store));
    await writer.write(batch([]));
    expect(await writer.seal()).toEqual([]);
    await writer.discard();
    expect(store.steps).toEqual([]);
  });

  test("has a file per partition", async () => {
    const store = open();
    await using writer = openTableWriter(options(store, { partitionBy: [{ column: "country" }] }));
    await writer.write(
      batch([
        [1, "de"],
        [2, null],
        [3, "a/b"],
      ]),
    );
    await writer.write(
      batch([
        [4, "de"],
        [5, ""],
      ]),
    );
    const files = await writer.seal();
    const found = await Promise.all(
      files.map(async (file) => [file.final, file.partition, await rowsOf(store, file)]),
    );
    expect(found).toEqual([
      ["country=a%2Fb/2.parquet", { country: "a/b" }, [{ id: 3 }]],
      ["country=de/0.parquet", { country: "de" }, [{ id: 1 }, { id: 4 }]],
      ["country=__HIVE_DEFAULT_PARTITION__/1.parquet", { country: null }, [{ id: 2 }, { id: 5 }]],
    ]);
  });

  test("closes files when the columns change, and not when they only look new", async () => {
    const store = open();
    await using writer = openTableWriter(options(store));
    await writer.write(batch([[1, "de"]]));
    await writer.write(batch([[2, "de"]], structuredClone(base)));
    const wider: Schema = {
      fields: base.fields.map((field) =>
        field.name === "later" ? { ...field, type: { kind: "boolean" } } : field,
      ),
    };
    await writer.write(batch([[3, "de", true]], wider));
    const files = await writer.seal();
    expect(await Promise.all(files.map((file) => rowsOf(store, file)))).toEqual([
      [
        { id: 1, country: "de" },
        { id: 2, country: "de" },
      ],
      [{ id: 3, country: "de", later: true }],
    ]);
  });

  test("rolls at the target size", async () => {
    const store = open();
    await using writer = openTableWriter(options(store), { targetFileBytes: 1_000_000, compression: "none" });
    for (let i = 0; i < 400; i++)
      await writer.write(
        batch(Array.from({ length: 100 }, (_, k) => [i * 100 + k, `${i}-${k}-${"x".repeat(90)}`])),
      );
    const files = await writer.seal();
    expect(files.length).toBeGreaterThan(2);
    for (const file of files.slice(0, -1)) {
      expect(file.size).toBeGreaterThan(700_000);
      expect(file.size).toBeLessThan(1_500_000);
    }
    const rows = (await Promise.all(files.map((file) => rowsOf(store, file)))).flat();
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 40_000 }, (_, i) => i));
  });

  test("closes the least recently used file when memory runs out", async () => {
    const store = open();
    const budget = 3_000_000;
    await using writer = openTableWriter(options(store, { budget, partitionBy: [{ column: "country" }] }));
    let highest = 0;
    for (let i = 0; i < 60; i++) {
      // One partition is always in use, the others come once.
      const rows = Array.from({ length: 50 }, (_, k) => [i * 50 + k, k % 2 === 0 ? "hot" : `p${i}`]);
      await writer.write(batch(rows));
      highest = Math.max(highest, writer.bufferedBytes);
    }
    expect(highest).toBeLessThanOrEqual(budget);
    const files = await writer.seal();
    expect(files.filter(({ partition }) => partition["country"] === "hot")).toHaveLength(1);
    expect(files.reduce((sum, { rows }) => sum + rows, 0)).toBe(3000);
    expect(files).toHaveLength(61);
  });

  test("discard removes what was written since the last seal, and goes on", async () => {
    const store = open();
    await using writer = openTableWriter(options(store), { targetFileBytes: 1 });
    await writer.write(batch([[1, "a"]]));
    const sealed = await writer.seal();
    await writer.write(batch([[2, "b"]]));
    await writer.write(batch([[3, "c"]]));
    await writer.discard();
    expect(await paths(store)).toEqual(["orders/_staged/0"]);
    await writer.write(batch([[4, "d"]]));
    const more = await writer.seal();
    expect(await rowsOf(store, sealed[0]!)).toEqual([{ id: 1, country: "a" }]);
    expect(await rowsOf(store, more[0]!)).toEqual([{ id: 4, country: "d" }]);
    expect(await paths(store)).toHaveLength(2);
  });

  test("disposing removes what is not sealed", async () => {
    const store = open();
    {
      await using writer = openTableWriter(options(store));
      await writer.write(batch([[1, "a"]]));
      await writer.seal();
      await writer.write(batch([[2, "b"]]));
    }
    expect(await paths(store)).toEqual(["orders/_staged/0"]);
  });

  test("an empty file keeps the columns", async () => {
    const store = open();
    await using writer = openTableWriter(options(store, { partitionBy: [{ column: "country" }] }));
    await writer.writeEmpty();
    const files = await writer.seal();
    expect(files).toMatchObject([{ rows: 0, partition: { country: null } }]);
    expect(
      parquetMetadata((await store.get("orders/_staged/0")).slice().buffer).schema.map(({ name }) => name),
    ).toContain("id");
  });
});

test("is usable again after a failed write was discarded", async () => {
  const disk = memoryStore();
  let full = true;
  const store = faultStore(disk, { at: ({ call }) => (full && call === "create" ? "full" : undefined) });
  await using writer = openTableWriter(options(store));
  await expect(writer.write(batch([[1, "a"]]))).rejects.toMatchObject({ code: "ALV_STORE_FULL" });
  await writer.discard();
  full = false;
  await writer.write(batch([[2, "b"]]));
  const [file] = await writer.seal();
  expect(await rowsOf(disk, file!)).toEqual([{ id: 2, country: "b" }]);
});

test("an aborted write throws the reason", async () => {
  await using writer = openTableWriter(options(memoryStore()));
  const reason = new Error("enough");
  await expect(writer.write(batch([[1, "a"]]), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
