import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import { AlluviumError, type ObjectStore, type Schema } from "@alluvium/core";
import type { ApplyContext, DataFile, TableChange } from "../../src/lake/contract.ts";
import { deltaFormat } from "../../src/delta/format.ts";
import { readActions } from "../../src/delta/log/codec.ts";
import type { Action } from "../../src/delta/log/actions.ts";
import { deltaTable } from "../../src/delta/index.ts";
import { add, metaData, name, protocol, put, remove, tableOf } from "./log.ts";
import { filesOf } from "./tables.ts";

const id = "11111111-1111-4111-8111-111111111111";
const schema: Schema = {
  fields: [
    { name: "a", type: { kind: "int64" }, nullable: true },
    { name: "d", type: { kind: "date" }, nullable: true },
  ],
};

function file(path: string, more: Partial<DataFile> = {}): DataFile {
  return {
    staged: path,
    final: path,
    size: 100,
    rows: 10,
    partition: {},
    columns: [{ path: ["a"], nulls: 0, min: "1", max: "9" }],
    ...more,
  };
}

function change(more: Partial<TableChange> = {}): TableChange {
  return {
    table: "orders",
    directory: "t",
    tableId: id,
    create: true,
    operation: { kind: "append" },
    schema,
    schemaChanged: false,
    partitionBy: [],
    files: [],
    obsolete: [],
    ownership: "own",
    ...more,
  };
}

function context(
  store: ObjectStore,
  sequence: number,
  more: Partial<ApplyContext["load"]> = {},
): ApplyContext {
  const load = {
    pipeline: "shop",
    lane: "main",
    incarnation: "i1",
    sequence,
    loadId: `load-${sequence}`,
    runId: "run",
    ...more,
  };
  return { store, signal: new AbortController().signal, budget: 1 << 20, load };
}

async function commit(store: ObjectStore, version: number): Promise<Action[]> {
  const actions: Action[] = [];
  for await (const action of readActions(store, (await store.head(name(version)))!)) actions.push(action);
  return actions;
}

const live = async (store: ObjectStore, version?: number): Promise<string[]> => {
  const snapshot = await deltaTable({ store, path: "t" }).snapshot(version === undefined ? {} : { version });
  const paths: string[] = [];
  for await (const { path } of snapshot.files()) paths.push(path.replace(/^.*\/t\//, ""));
  return paths.sort();
};

describe("the first load", () => {
  test("creates the table with the smallest protocol", async () => {
    const store = memoryStore();
    const result = await deltaFormat.apply(change({ files: [file("day=1/x y.parquet")] }), context(store, 0));
    expect(result).toEqual({ version: 0, already: false });
    const actions = await commit(store, 0);
    expect(actions.map((action) => Object.keys(action)[0])).toEqual([
      "commitInfo",
      "protocol",
      "metaData",
      "txn",
      "add",
    ]);
    const [info, protocolAction, metadata, txn, added] = actions;
    expect(protocolAction).toEqual(protocol);
    expect(metadata!.metaData).toMatchObject({
      id,
      name: "orders",
      format: { provider: "parquet", options: {} },
      partitionColumns: [],
      configuration: { "alluvium.pipeline": "shop" },
    });
    expect(txn!.txn).toMatchObject({ appId: "shop/main/i1/orders", version: 0 });
    expect(added!.add).toMatchObject({
      path: "day=1/x%20y.parquet",
      size: 100,
      dataChange: true,
      stats: '{"numRecords":10,"minValues":{"a":1},"maxValues":{"a":9},"nullCount":{"a":0}}',
    });
    expect(info!.commitInfo).toMatchObject({
      operation: "WRITE",
      operationParameters: { mode: "Append", partitionBy: "[]" },
      isBlindAppend: true,
      isolationLevel: "Serializable",
      operationMetrics: { numFiles: "1", numOutputRows: "10", numOutputBytes: "100" },
      engineInfo: "Alluvium",
    });
    expect(info!.commitInfo).not.toHaveProperty("readVersion");
    expect(JSON.parse(info!.commitInfo!.userMetadata!)).toMatchObject({ loadId: "load-0", sequence: 0 });
  });

  test("asks for timestampNtz only with such a column, nested too", async () => {
    const store = memoryStore();
    const local: Schema = {
      fields: [
        {
          name: "l",
          nullable: true,
          type: {
            kind: "list",
            element: { name: "element", type: { kind: "timestamp", zone: "local" }, nullable: true },
          },
        },
      ],
    };
    await deltaFormat.apply(change({ schema: local }), context(store, 0));
    expect((await commit(store, 0))[1]!.protocol).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["timestampNtz"],
      writerFeatures: ["timestampNtz"],
    });
  });

  test("of a table that somebody else put there is refused", async () => {
    const store = await tableOf([protocol, metaData(["a"], { id: "other" })]);
    await expect(deltaFormat.apply(change(), context(store, 0))).rejects.toMatchObject({
      code: "ALV_TABLE_REPLACED",
      message: expect.stringContaining("other"),
    });
  });

  test("a table that is gone is not made anew", async () => {
    await expect(
      deltaFormat.apply(change({ create: false }), context(memoryStore(), 0)),
    ).rejects.toMatchObject({
      code: "ALV_TABLE_NOT_FOUND",
    });
  });
});

describe("once", () => {
  test("a load that is there is left alone, and its version is told", async () => {
    const store = memoryStore();
    for (let sequence = 0; sequence < 4; sequence++)
      await deltaFormat.apply(change({ files: [file(`f${sequence}`)] }), context(store, sequence));
    for (let sequence = 0; sequence < 4; sequence++)
      expect(
        await deltaFormat.apply(change({ files: [file(`again${sequence}`)] }), context(store, sequence)),
      ).toEqual({
        version: sequence,
        already: true,
      });
    expect(await live(store)).toEqual(["f0", "f1", "f2", "f3"]);
  });

  test("the version is found behind a checkpoint of the log and without the checksums", async () => {
    const store = memoryStore();
    for (let sequence = 0; sequence < 4; sequence++)
      await deltaFormat.apply(change({ files: [file(`f${sequence}`)] }), context(store, sequence));
    await store.delete([0, 1, 2, 3].map((version) => name(version, "crc")));
    expect(await deltaFormat.apply(change(), context(store, 1))).toEqual({ version: 1, already: true });
  });

  test("another lane, incarnation or pipeline is another application", async () => {
    const store = memoryStore();
    await deltaFormat.apply(change({ files: [file("1")] }), context(store, 0));
    for (const more of [{ lane: "b" }, { incarnation: "i2" }])
      expect(
        await deltaFormat.apply(change({ files: [file(JSON.stringify(more))] }), context(store, 0, more)),
      ).toMatchObject({
        already: false,
      });
    const table = await deltaFormat.inspect("t", context(store, 0));
    expect(table!.pipelines).toEqual([
      { pipeline: "shop" },
      { pipeline: "shop", lane: "main", incarnation: "i1", sequence: 0 },
      { pipeline: "shop", lane: "b", incarnation: "i1", sequence: 0 },
      { pipeline: "shop", lane: "main", incarnation: "i2", sequence: 0 },
    ]);
  });

  test("two processes that apply the same load at once make one commit", async () => {
    for (let round = 0; round < 20; round++) {
      const store = memoryStore();
      await deltaFormat.apply(change({ files: [file("0")] }), context(store, 0));
      const results = await Promise.all(
        [1, 2, 3].map(() => deltaFormat.apply(change({ files: [file("1")] }), context(store, 1))),
      );
      expect(results.filter(({ already }) => !already)).toHaveLength(1);
      expect(results.map(({ version }) => version)).toEqual([1, 1, 1]);
      expect(await live(store)).toEqual(["0", "1"]);
    }
  });

  test("an answer that was lost is settled by reading back", async () => {
    const inner = memoryStore();
    let lose = 0;
    const store: ObjectStore = {
      ...inner,
      putIfAbsent: async (path, bytes, options) => {
        const result = await inner.putIfAbsent(path, bytes, options);
        if (path.endsWith(".json") && lose-- > 0)
          throw new AlluviumError("ALV_STORE_FAILED", "the answer was lost");
        return result;
      },
    };
    lose = 1;
    expect(await deltaFormat.apply(change({ files: [file("0")] }), context(store, 0))).toEqual({
      version: 0,
      already: false,
    });
    lose = 1;
    expect(await deltaFormat.apply(change({ files: [file("1")] }), context(store, 1))).toEqual({
      version: 1,
      already: false,
    });
    expect(await live(inner)).toEqual(["0", "1"]);
  });
});

describe("other writers", () => {
  /** A store in which another writer commits `lines` as the version that ours is about to be. */
  function raced(inner: ObjectStore, commits: (readonly object[])[]): ObjectStore {
    return {
      ...inner,
      putIfAbsent: async (path, bytes, options) => {
        const lines = path.endsWith(".json") ? commits.shift() : undefined;
        if (lines !== undefined) await put(inner, path, lines);
        return inner.putIfAbsent(path, bytes, options);
      },
    };
  }

  async function started(): Promise<ObjectStore> {
    const store = memoryStore();
    await deltaFormat.apply(change({ files: [file("0"), file("1")] }), context(store, 0));
    return store;
  }

  test("a blind append follows appends, overwrites and compactions as it is", async () => {
    const store = await started();
    const race = raced(store, [[add("x")], [remove("0"), add("0c", { dataChange: false })], [remove("1")]]);
    expect(await deltaFormat.apply(change({ files: [file("2")] }), context(race, 1))).toEqual({
      version: 4,
      already: false,
    });
    expect(await live(store)).toEqual(["0c", "2", "x"]);
    expect((await commit(store, 4))[0]!.commitInfo).toMatchObject({ readVersion: 0, isBlindAppend: true });
  });

  test("a replace takes what came in the meantime away as well", async () => {
    const store = await started();
    const race = raced(store, [[add("x")], [remove("0"), add("y")]]);
    expect(
      await deltaFormat.apply(
        change({ operation: { kind: "replace" }, files: [file("2")] }),
        context(race, 1),
      ),
    ).toMatchObject({
      version: 3,
    });
    expect(await live(store)).toEqual(["2"]);
    const actions = await commit(store, 3);
    expect(actions.flatMap((action) => action.remove?.path ?? []).sort()).toEqual(["1", "x", "y"]);
    expect(actions[0]!.commitInfo).toMatchObject({
      isBlindAppend: false,
      readVersion: 2,
      operationParameters: { mode: "Overwrite" },
    });
    expect(actions.find((action) => action.remove?.path === "1")!.remove).toMatchObject({
      extendedFileMetadata: true,
      size: 100,
      partitionValues: {},
      dataChange: true,
    });
  });

  test("columns that others added stay", async () => {
    const store = await started();
    const theirs = metaData([
      "a",
      { name: "d", type: "date", nullable: true, metadata: {} },
      { name: "theirs", type: "string", nullable: true, metadata: { comment: "x" } },
    ]);
    const race = raced(store, [[theirs]]);
    const wider: Schema = {
      fields: [...schema.fields, { name: "ours", type: { kind: "boolean" }, nullable: false }],
    };
    await deltaFormat.apply(
      change({ files: [file("2")], schema: wider, schemaChanged: true }),
      context(race, 1),
    );
    const actions = await commit(store, 2);
    const struct = JSON.parse(actions.find((action) => action.metaData)!.metaData!.schemaString) as {
      fields: { name: string; nullable: boolean; metadata: object }[];
    };
    expect(struct.fields.map((field) => [field.name, field.nullable])).toEqual([
      ["a", true],
      ["d", true],
      ["theirs", true],
      ["ours", true],
    ]);
    expect(struct.fields[2]!.metadata).toEqual({ comment: "x" });
    expect(actions.find((action) => action.metaData)!.metaData!.id).toBe(id);
  });

  test("a column that others made something else is a conflict", async () => {
    const store = await started();
    const race = raced(store, [[metaData([{ name: "a", type: "string", nullable: true, metadata: {} }])]]);
    await expect(deltaFormat.apply(change({ files: [file("2")] }), context(race, 1))).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
      message: expect.stringContaining('column "a" is string in the table and long in this load'),
    });
    expect(await live(store)).toEqual(["0", "1"]);
  });

  test("a feature that came in the meantime is refused by name", async () => {
    const store = await started();
    const race = raced(store, [
      [
        {
          protocol: {
            minReaderVersion: 3,
            minWriterVersion: 7,
            readerFeatures: ["later"],
            writerFeatures: ["later"],
          },
        },
      ],
    ]);
    await expect(deltaFormat.apply(change({ files: [file("2")] }), context(race, 1))).rejects.toMatchObject({
      code: "ALV_TABLE_FEATURE",
      message: expect.stringContaining("later"),
    });
  });

  test("a table that only grows is appended to and not replaced", async () => {
    const store = await tableOf([
      protocol,
      metaData(["a", { name: "d", type: "date", nullable: true, metadata: {} }], {
        configuration: { "delta.appendOnly": "true" },
      }),
    ]);
    await deltaFormat.apply(change({ files: [file("1")] }), context(store, 0));
    await expect(
      deltaFormat.apply(change({ operation: { kind: "replace" } }), context(store, 1)),
    ).rejects.toMatchObject({ code: "ALV_TABLE_FEATURE" });
  });

  test("many writers at once all get in", async () => {
    const store = await started();
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        deltaFormat
          .apply(change({ files: [file(`p${i}`)] }), context(store, 0, { pipeline: `p${i}` }))
          .catch((error: unknown) => error),
      ),
    );
    // They do not own the table, so each is refused; as shared writers they get in.
    expect(await live(store)).toEqual(["0", "1"]);
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        deltaFormat.apply(
          change({ files: [file(`p${i}`)], ownership: "shared" }),
          context(store, 0, { pipeline: `p${i}` }),
        ),
      ),
    );
    expect(results.map(({ version }) => version).sort((a, b) => a! - b!)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    expect(await live(store)).toHaveLength(14);
  });
});

describe("replacing a window by partition", () => {
  const byDay = { partitionBy: [{ column: "d" }] };
  const inDay = (path: string, d: string | null): DataFile => file(path, { partition: { d }, columns: [] });

  test("takes whole files and reads none", async () => {
    const store = memoryStore();
    const days = ["2024-01-01", "2024-01-02", "2024-01-03", null];
    await deltaFormat.apply(
      change({ ...byDay, files: days.map((day) => inDay(`f${day}`, day)) }),
      context(store, 0),
    );
    await deltaFormat.apply(
      change({
        ...byDay,
        operation: { kind: "replaceWhere", where: [{ column: "d", op: ">=", value: "2024-01-02" }] },
        files: [inDay("new", "2024-01-02")],
      }),
      context(store, 1),
    );
    expect(await live(store)).toEqual(["f2024-01-01", "fnull", "new"]);
    expect((await commit(store, 1))[0]!.commitInfo!.operationParameters).toEqual({
      mode: "Overwrite",
      partitionBy: '["d"]',
      predicate: "[\"d >= '2024-01-02'\"]",
    });
    await deltaFormat.apply(
      change({
        ...byDay,
        operation: { kind: "replaceWhere", where: [{ column: "d", op: "=", value: null }] },
      }),
      context(store, 2),
    );
    expect(await live(store)).toEqual(["f2024-01-01", "new"]);
  });

  test("partitions that differ from the table's are a conflict", async () => {
    const store = memoryStore();
    await deltaFormat.apply(change(byDay), context(store, 0));
    await expect(deltaFormat.apply(change(), context(store, 1))).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
      message: expect.stringContaining("partitioned by d, this load by nothing"),
    });
  });
});

describe("ownership", () => {
  test("a table that another pipeline took over is no longer written", async () => {
    const store = memoryStore();
    await deltaFormat.apply(change({ files: [file("0")] }), context(store, 0));
    await deltaFormat.apply(
      change({ files: [file("1")], ownership: "adopt" }),
      context(store, 0, { pipeline: "shop2" }),
    );
    const pipelines = async (): Promise<unknown> =>
      (await deltaFormat.inspect("t", context(store, 0)))!.pipelines.map(({ pipeline }) => pipeline);
    expect(await pipelines()).toEqual(["shop2", "shop2"]);
    await expect(deltaFormat.apply(change({ files: [file("2")] }), context(store, 1))).rejects.toMatchObject({
      code: "ALV_TABLE_FOREIGN",
    });
    await deltaFormat.apply(change({ files: [file("3")], ownership: "adopt" }), context(store, 1));
    expect(await pipelines()).toEqual(["shop", "shop"]);
    await deltaFormat.apply(change({ files: [file("4")] }), context(store, 2));
    expect(await live(store)).toEqual(["0", "1", "3", "4"]);
  });
});

describe("checksums", () => {
  test("say what replaying says, through appends and replaces", async () => {
    const store = memoryStore();
    const loads: Partial<TableChange>[] = [
      { files: [file("0"), file("1")] },
      { files: [file("2", { size: 7 })] },
      { operation: { kind: "replace" }, files: [file("3", { size: 9 })] },
      {},
    ];
    const sizes = [];
    for (const [sequence, more] of loads.entries()) {
      await deltaFormat.apply(change(more), context(store, sequence));
      const crc = JSON.parse(new TextDecoder().decode(await store.get(name(sequence, "crc")))) as Record<
        string,
        unknown
      >;
      sizes.push([crc["numFiles"], crc["tableSizeBytes"]]);
      expect(crc).toMatchObject({
        numMetadata: 1,
        numProtocol: 1,
        domainMetadata: [],
        setTransactions: [{ version: sequence }],
      });
      const [txn] = (await commit(store, sequence)).flatMap((action) => action.txn ?? []);
      expect(crc["setTransactions"]).toEqual([txn]);
      expect(crc["txnId"]).toBe((await commit(store, sequence))[0]!.commitInfo!.txnId);
    }
    expect(sizes).toEqual([
      [2, 200],
      [3, 207],
      [1, 9],
      [1, 9],
    ]);
  });

  test("a blind append reads the hint, a listing and the checksum, nothing else", async () => {
    const inner = memoryStore();
    for (let sequence = 0; sequence < 3; sequence++)
      await deltaFormat.apply(change({ files: [file(`f${sequence}`)] }), context(inner, sequence));
    const calls: string[] = [];
    const store: ObjectStore = {
      ...inner,
      get: (path, options) => {
        calls.push(`get ${path}`);
        return inner.get(path, options);
      },
      list: (prefix, options) => {
        calls.push(`list ${prefix}`);
        return inner.list(prefix, options);
      },
      head: (path, options) => {
        calls.push(`head ${path}`);
        return inner.head(path, options);
      },
    };
    await deltaFormat.apply(change({ files: [file("f3")] }), context(store, 3));
    expect(calls).toEqual([
      "get t/_delta_log/_last_checkpoint",
      "list t/_delta_log/",
      `get ${name(2, "crc")}`,
    ]);
  });

  test("a damaged one is ignored", async () => {
    const store = memoryStore();
    await deltaFormat.apply(change({ files: [file("0")] }), context(store, 0));
    for (const text of ["", "{}", '{"metadata":null}', "not json"]) {
      await store.put(name(0, "crc"), new TextEncoder().encode(text));
      expect(await deltaFormat.apply(change(), context(store, 0))).toEqual({ version: 0, already: true });
    }
  });
});

describe("what can be known before anything is committed", () => {
  const check =
    (fields: Schema["fields"], partitionBy: TableChange["partitionBy"] = []) =>
    () =>
      deltaFormat.check!("orders", { fields }, partitionBy);

  test("names are checked, columns that are not known yet are waited for", () => {
    expect(check(schema.fields)).not.toThrow();
    expect(check([], [{ column: "later", transform: "day" }])).not.toThrow();
    expect(check([{ ...schema.fields[0]!, name: "a b" }])).toThrow(
      'column "a b" of table "orders" cannot be stored',
    );
    expect(
      check([...schema.fields, { ...schema.fields[0]!, name: "D_day" }], [{ column: "d", transform: "day" }]),
    ).toThrow('the partition column "d_day" has the name of a column');
  });
});

describe("replacing a window on a column that this load brings", () => {
  test("finds only nulls in older files, so that nothing goes", async () => {
    const store = memoryStore();
    const old: Schema = { fields: [schema.fields[0]!] };
    const [older] = await filesOf(store, old, [{ a: 1 }, { a: 2 }]);
    await deltaFormat.apply(change({ schema: old, files: [older!] }), context(store, 0));
    const operation = {
      kind: "replaceWhere",
      where: [{ column: "d", op: ">=", value: "2024-01-01" }],
    } as const;
    const [newer] = await filesOf(store, schema, [{ a: 3, d: "2024-01-01" }]);
    await deltaFormat.apply(change({ operation, files: [newer!] }), context(store, 1));
    expect(await live(store)).toEqual([older!.final, newer!.final].sort());
    await deltaFormat.apply(change({ operation }), context(store, 2));
    expect(await live(store)).toEqual([older!.final]);
  });

  test("a window on a column that is gone sets the table aside", async () => {
    const store = memoryStore();
    await deltaFormat.apply(change({ files: [file("0")] }), context(store, 0));
    const operation = { kind: "replaceWhere", where: [{ column: "gone", op: "=", value: "1" }] } as const;
    await expect(deltaFormat.apply(change({ operation }), context(store, 1))).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
      message: expect.stringContaining('no column "gone"'),
    });
  });
});
