import { describe, expect, test } from "vitest";
import { createParquetEncoder } from "@alluvium/core/parquet";
import { memoryStore } from "@alluvium/core/storage/memory";
import type { ObjectStore, Schema } from "@alluvium/core";
import type { Action, AddFile } from "../../src/delta/log/actions.ts";
import { checkpointBatch } from "../../src/delta/log/checkpoint-rows.ts";
import { checkpointSchema } from "../../src/delta/log/checkpoint-schema.ts";
import { writeCheckpoint } from "../../src/delta/log/checkpoint-write.ts";
import { parseInterval } from "../../src/delta/log/interval.ts";
import { readFiles, readHead } from "../../src/delta/log/replay.ts";
import { listSegment } from "../../src/delta/log/segment.ts";
import { loadState } from "../../src/delta/log/state.ts";
import { deltaFormat } from "../../src/delta/format.ts";
import { add, metaData, name, pathsOf, protocol, put, remove, tableOf } from "./log.ts";
import { batchOf, changeOf, contextOf, filesOf, openTable, scanRows } from "./tables.ts";

const form = { json: true, struct: undefined };

async function parquet(actions: readonly Action[], form_ = form): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const schema = checkpointSchema(form_);
  const encoder = createParquetEncoder({ schema, sink: async (bytes) => void pieces.push(bytes.slice()) });
  await encoder.write(checkpointBatch(schema, actions, form_));
  await encoder.close();
  return Buffer.concat(pieces);
}

/** A Parquet file of sidecar actions, as a V2 checkpoint has them. */
async function sidecars(...paths: readonly string[]): Promise<Uint8Array> {
  const schema: Schema = {
    fields: [
      {
        name: "sidecar",
        nullable: true,
        type: {
          kind: "struct",
          fields: [
            { name: "path", type: { kind: "string" }, nullable: true },
            { name: "sizeInBytes", type: { kind: "int64" }, nullable: true },
            { name: "modificationTime", type: { kind: "int64" }, nullable: true },
          ],
        },
      },
      ...checkpointSchema(form).fields.filter(
        (field) => field.name === "protocol" || field.name === "metaData",
      ),
    ],
  };
  const rows = [
    ...paths.map((path) => ({
      sidecar: { path: path.split("|")[0], sizeInBytes: Number(path.split("|")[1]), modificationTime: 1 },
    })),
    ...([protocol, metaData(["a"])] as Action[]).map((action) => ({
      ...action,
      ...(action.metaData && {
        metaData: { ...action.metaData, format: { provider: "parquet" }, configuration: new Map() },
      }),
    })),
  ];
  const pieces: Uint8Array[] = [];
  const encoder = createParquetEncoder({ schema, sink: async (bytes) => void pieces.push(bytes.slice()) });
  await encoder.write(batchOf(schema, rows));
  await encoder.close();
  return Buffer.concat(pieces);
}

async function files(store: ObjectStore): Promise<{ live: string[]; gone: string[] }> {
  return pathsOf(readFiles(store, "t", (await listSegment(store, "t"))!));
}

const dv = {
  storageType: "u",
  pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^",
  offset: 1,
  sizeInBytes: 40,
  cardinality: 6,
};

describe("writing", () => {
  const later = Date.now();
  const rich: object[][] = [
    [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: ["deletionVectors"],
          writerFeatures: ["deletionVectors", "domainMetadata"],
        },
      },
      metaData(["a"], {
        name: "n",
        partitionColumns: [],
        createdTime: 5,
        configuration: { x: "1", "delta.deletedFileRetentionDuration": "interval 2 days" },
      }),
      add("1", {
        tags: { k: "v", n: null },
        partitionValues: { p: null, q: "x" },
        stats: '{"numRecords":9}',
        deletionVector: dv,
      }),
      add("2"),
      { txn: { appId: "big", version: 9007199254740992, lastUpdated: 1 } },
    ],
    [
      remove("2", { deletionTimestamp: later, size: 3, extendedFileMetadata: true, partitionValues: {} }),
      add("3"),
      add("4"),
    ],
    [
      remove("3", { deletionTimestamp: later - 3 * 86_400_000 }),
      { domainMetadata: { domain: "d", configuration: "{}", removed: false } },
      { domainMetadata: { domain: "gone", configuration: "{}", removed: true } },
    ],
  ];

  async function checkpointed(): Promise<ObjectStore> {
    const store = await tableOf(...rich);
    // To the letter, which JSON.stringify of a number would not be.
    const bytes = new TextDecoder()
      .decode(await store.get(name(0)))
      .replace("9007199254740992", "9007199254740993");
    await store.put(name(0), new TextEncoder().encode(bytes));
    return store;
  }

  test("keeps everything that a reader needs, with the log before it gone", async () => {
    const store = await checkpointed();
    const before = await loadState(store, "t");
    await writeCheckpoint(store, "t", 2);
    await store.delete([0, 1, 2].flatMap((version) => [name(version), name(version, "crc")]));
    const segment = (await listSegment(store, "t"))!;
    const head = await readHead(store, "t", segment);
    expect(head.protocol).toEqual(before!.protocol);
    expect(head.metadata).toMatchObject(before!.metadata);
    expect([...head.transactions.values()]).toEqual([
      { appId: "big", version: 9007199254740993n, lastUpdated: 1 },
    ]);
    expect([...head.domains.keys()]).toEqual(["d"]);
    const adds: AddFile[] = [];
    const gone: string[] = [];
    for await (const action of readFiles(store, "t", segment)) {
      if (action.add) adds.push(action.add);
      else gone.push(action.remove.path);
    }
    expect(adds.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      {
        path: "1",
        partitionValues: { p: null, q: "x" },
        size: 1,
        modificationTime: 1,
        dataChange: false,
        stats: '{"numRecords":9}',
        tags: { k: "v", n: null },
        deletionVector: dv,
      },
      { path: "4", partitionValues: {}, size: 1, modificationTime: 1, dataChange: false },
    ]);
    // The tombstone of 3 has expired.
    expect(gone).toEqual(["2"]);
  });

  test("tells where it is, and mends the chain of checksums", async () => {
    const store = await checkpointed();
    await writeCheckpoint(store, "t", 2);
    const hint = JSON.parse(
      new TextDecoder().decode(await store.get("t/_delta_log/_last_checkpoint")),
    ) as object;
    const size = (await store.head(name(2, "checkpoint.parquet")))!.size;
    // protocol, metaData, txn, domainMetadata, a tombstone, two files
    expect(hint).toMatchObject({ version: 2, size: 7, numOfAddFiles: 2, sizeInBytes: size });
    const crc = JSON.parse(new TextDecoder().decode(await store.get(name(2, "crc")))) as object;
    expect(crc).toMatchObject({ numFiles: 2, tableSizeBytes: 2 });
    await writeCheckpoint(store, "t", 1);
    expect(
      JSON.parse(new TextDecoder().decode(await store.get("t/_delta_log/_last_checkpoint"))),
    ).toMatchObject({ version: 2 });
  });

  test("of many files streams them", async () => {
    const many = Array.from({ length: 7001 }, (_, i) => add(`f${i}`));
    const store = await tableOf([protocol, metaData(["a"]), ...many]);
    await writeCheckpoint(store, "t", 0);
    await store.delete([name(0)]);
    expect((await files(store)).live).toHaveLength(7001);
  });

  test("that fails does not fail the commit, and the next commit makes up for it", async () => {
    const inner = memoryStore();
    let broken = true;
    const store: ObjectStore = {
      ...inner,
      put: (path, bytes, options) =>
        broken && path.includes("checkpoint")
          ? Promise.reject(new Error("no"))
          : inner.put(path, bytes, options),
      create: (path, options) =>
        broken && path.includes("checkpoint") ? Promise.reject(new Error("no")) : inner.create(path, options),
    };
    const schema: Schema = { fields: [{ name: "a", type: { kind: "int64" }, nullable: true }] };
    for (let sequence = 0; sequence <= 11; sequence++) {
      broken = sequence <= 10;
      const result = await deltaFormat.apply(
        changeOf(schema, { files: await filesOf(store, schema, [{ a: sequence }]) }),
        contextOf(store, sequence),
      );
      expect(result).toEqual({ version: sequence, already: false });
    }
    expect((await listSegment(store, "t"))!.checkpoint?.version).toBe(11);
    expect(await (await openTable(store)).rows()).toBe(12);
  });

  test("statistics as columns only are read as the same text", async () => {
    const schema: Schema = {
      fields: [
        { name: "i", type: { kind: "int64" }, nullable: true },
        { name: "d", type: { kind: "decimal", precision: 38, scale: 10 }, nullable: true },
        { name: "t", type: { kind: "timestamp", zone: "utc" }, nullable: true },
        { name: "l", type: { kind: "timestamp", zone: "local" }, nullable: true },
        { name: "b", type: { kind: "boolean" }, nullable: true },
        {
          name: "s",
          nullable: true,
          type: {
            kind: "struct",
            fields: [
              { name: "x", type: { kind: "date" }, nullable: true },
              { name: "y", type: { kind: "string" }, nullable: true },
            ],
          },
        },
        { name: "p", type: { kind: "decimal", precision: 5, scale: 2 }, nullable: true },
      ],
    };
    const rows = [
      {
        i: 9007199254740993n,
        d: "-12345678901234567890.0000000001",
        t: 1n,
        l: -1n,
        b: true,
        s: { x: "2024-02-29", y: 'q"' },
        p: "1.50",
      },
      { i: 5n, d: "7", t: 5_000_000n, l: 3n, b: null, s: null, p: "1.50" },
    ];
    const store = memoryStore();
    const partitionBy = [{ column: "p" }];
    await deltaFormat.apply(
      changeOf(schema, { partitionBy, files: await filesOf(store, schema, rows, partitionBy) }),
      contextOf(store, 0),
    );
    // Switch the form on, as another engine would.
    const { metadata: meta } = (await loadState(store, "t"))!;
    const configuration = {
      ...meta.configuration,
      "delta.checkpoint.writeStatsAsStruct": "true",
      "delta.checkpoint.writeStatsAsJson": "false",
    };
    await put(store, name(1), [{ metaData: { ...meta, configuration } }]);
    const before = (await openTable(store, { version: 0 })).files();
    const text = (await first(before)).statistics!;
    await writeCheckpoint(store, "t", 1);
    await store.delete([name(0), name(0, "crc"), name(1)]);
    const snapshot = await openTable(store);
    const after = JSON.parse((await first(snapshot.files())).statistics!) as Record<string, unknown>;
    const trimmed = JSON.parse(text) as Record<string, unknown>;
    expect(after["nullCount"]).toEqual(trimmed["nullCount"]);
    const statistics = (await first(snapshot.files())).statistics!;
    expect(statistics).toContain('"d":-12345678901234567890.0000000001');
    expect(statistics).toContain('"i":9007199254740993');
    expect(statistics).toContain('"t":"1970-01-01T00:00:00.000000Z"');
    expect(statistics).toContain('"l":"1970-01-01T00:00:00.001000"');
    expect(statistics).toContain('"s":{"x":"2024-02-29","y":"q\\""}');
    expect(
      await scanRows(snapshot, { columns: ["i"], where: [{ column: "d", op: "<", value: -1 }] }),
    ).toEqual([{ i: 9007199254740993n }]);
    expect(
      await scanRows(snapshot, { columns: ["i", "p"], where: [{ column: "p", op: "=", value: "1.5" }] }),
    ).toHaveLength(2);
  });
});

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error("nothing");
}

describe("reading what others write", () => {
  const start: Action[] = [protocol, metaData(["a"])] as Action[];

  test("a checkpoint in parts", async () => {
    const store = await tableOf([protocol, metaData(["a"]), add("1"), add("2")], [remove("1")]);
    await store.put(
      name(0, "checkpoint.0000000001.0000000002.parquet"),
      await parquet([...start, add("1") as Action]),
    );
    await store.put(name(0, "checkpoint.0000000002.0000000002.parquet"), await parquet([add("2") as Action]));
    await store.delete([name(0)]);
    expect(await files(store)).toEqual({ live: ["2"], gone: ["1"] });
  });

  const uuid = "80a083e8-7026-4e79-81be-64bd76c43a11";

  test("a V2 checkpoint as JSON, with the files in it", async () => {
    const store = await tableOf([], [add("3")]);
    await put(store, name(0, `checkpoint.${uuid}.json`), [
      { checkpointMetadata: { version: 0 } },
      ...start,
      add("1"),
      add("2"),
    ]);
    await store.delete([name(0)]);
    expect(await files(store)).toEqual({ live: ["1", "2", "3"], gone: [] });
  });

  test.each(["json", "parquet"])("a V2 checkpoint as %s with sidecars", async (kind) => {
    const store = await tableOf([], [remove("1"), add("4")]);
    const one = await parquet([add("1") as Action, add("2") as Action]);
    const two = await parquet([add("3") as Action, remove("0") as Action]);
    await store.put("t/_delta_log/_sidecars/one.parquet", one);
    await store.put("t/_delta_log/_sidecars/two.parquet", two);
    if (kind === "json")
      await put(store, name(0, `checkpoint.${uuid}.json`), [
        { checkpointMetadata: { version: 0 } },
        ...start,
        { sidecar: { path: "one.parquet", sizeInBytes: one.length, modificationTime: 1 } },
        { sidecar: { path: "two.parquet", sizeInBytes: two.length, modificationTime: 1 } },
      ]);
    else
      await store.put(
        name(0, `checkpoint.${uuid}.parquet`),
        await sidecars(`one.parquet|${one.length}`, `two.parquet|${two.length}`),
      );
    await store.delete([name(0)]);
    expect(await files(store)).toEqual({ live: ["2", "3", "4"], gone: ["0", "1"] });
    expect((await loadState(store, "t"))!.metadata.configuration).toEqual({});
  });

  test("a checkpoint that is damaged is named", async () => {
    const store = await tableOf([protocol, metaData(["a"])], []);
    await store.put(name(0, "checkpoint.parquet"), new Uint8Array(100));
    await expect(loadState(store, "t")).rejects.toMatchObject({
      code: "ALV_FILE_INVALID",
      message: expect.stringContaining("checkpoint.parquet"),
    });
  });
});

test.each([
  ["interval 1 week", 604_800_000],
  ["interval 2 days 3 hours", 183_600_000],
  ["INTERVAL 30 minutes", 1_800_000],
  ["7 days", 604_800_000],
  ["soon", undefined],
  ["interval", undefined],
])("%s", (text, expected) => {
  expect(parseInterval(text)).toBe(expected);
});
