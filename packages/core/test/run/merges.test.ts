import { describe, expect, test } from "vitest";
import {
  AlluviumError,
  type Destination,
  type Disposition,
  type Refresh,
  type RunOptions,
  type Source,
  type StreamItem,
} from "@alluvium/core";
import { ChangeOp, type Batch } from "@alluvium/core/columns";
import { batchOf, memoryTables } from "@alluvium/core/testing";
import { checkpoint } from "../../src/checkpoint.ts";
import type { PipelineDefinition } from "../../src/run/definition.ts";
import { runPipeline } from "../../src/run/run.ts";
import { resource } from "../../src/resource.ts";
import { source } from "../../src/source.ts";
import type { TableDescription } from "../../src/stream.ts";
import { typed } from "../../src/typed.ts";
import { faultyDestination } from "./faulty-destination.ts";
import { recordingDestination } from "./recording-destination.ts";

const int64 = { kind: "int64" } as const;
const boolean = { kind: "boolean" } as const;
const merging = (strategy: "upsert" | "insertOnly" | "deleteInsert" | "scd2"): Disposition => ({
  kind: "merge",
  strategy,
});
const upsert = merging("upsert");
const fast = { retry: { attempts: 2, minDelay: 0, maxDelay: 0 } };

type Item = { readonly batch: Batch } | { readonly checkpoint: number } | Error;

/** One stream with one table: what it yields, by attempt; it counts from which cursor it is read. */
function changing(
  describe: Partial<TableDescription>,
  read: (attempt: number, since: unknown) => readonly Item[],
): Source & { readonly since: unknown[] } {
  const sinces: unknown[] = [];
  return {
    specVersion: 1,
    name: "changing",
    since: sinces,
    open: async () => ({
      streams: [
        {
          name: "t",
          tables: [
            {
              name: "t",
              schema: { fields: [] },
              primaryKey: ["Id"],
              disposition: upsert,
              partitionBy: [],
              ...describe,
            },
          ],
          cursor: { version: 1, encode: (at) => Number(at), decode: (at) => at },
          async *read({ since, attempt }): AsyncGenerator<StreamItem> {
            sinces.push(since);
            for (const item of read(attempt, since)) {
              if (item instanceof Error) throw item;
              yield "batch" in item ? { table: "t", ...item } : item;
            }
          },
        },
      ],
      async [Symbol.asyncDispose]() {},
    }),
  };
}

const ids = (...values: bigint[]): Batch => batchOf({ Id: [int64, values] });

function changes(ops: readonly number[], ordinals: readonly bigint[], more: object = {}): { batch: Batch } {
  const batch = ids(...ordinals);
  return {
    batch: {
      ...batch,
      changes: { ops: Uint8Array.from(ops), ordinals: BigInt64Array.from(ordinals), ...more },
    },
  };
}

function setUp(more: Partial<PipelineDefinition> = {}) {
  const store = memoryTables();
  const destination = recordingDestination(store);
  const load = (source: Source, options: RunOptions = {}) =>
    runPipeline({ name: "p", source, destination, loadIdColumn: false, ...more }, { ...fast, ...options });
  const state = () => store.pipelines.get('["p","main"]')?.state;
  return { store, destination, load, state };
}

async function failure(run: Promise<unknown>): Promise<AlluviumError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (AlluviumError.is(error)) return error;
  throw error ?? new Error("it did not fail");
}

describe("columns of a merge", () => {
  test("have the table's names; those of versions are taken as they are", async () => {
    const { destination, load } = setUp();
    const merge = {
      orderBy: "changedAt",
      deleteFlag: "isGone",
      mergeKey: ["groupId"],
      validity: {
        from: "validFrom",
        to: "validTo",
        active: "isActive",
        boundary: { column: "changedAt" },
        retireAbsent: false,
      },
    };
    const batch = batchOf({
      Id: [int64, [1n]],
      groupId: [int64, [1n]],
      isGone: [boolean, [false]],
      changedAt: [{ kind: "timestamp", zone: "utc" }, [0n]],
    });
    await load(changing({ disposition: merging("scd2"), merge }, () => [{ batch }, { checkpoint: 1 }]));
    expect(destination.plans[0]![0]).toMatchObject({
      primaryKey: ["id"],
      merge: {
        orderBy: "changed_at",
        deleteFlag: "is_gone",
        mergeKey: ["group_id"],
        validity: { from: "validFrom", boundary: { column: "changed_at" } },
      },
    });
  });

  test("of versions have names where nothing is said", async () => {
    const { destination, load } = setUp();
    await load(changing({ disposition: merging("scd2") }, () => [{ batch: ids(1n) }, { checkpoint: 1 }]));
    expect(destination.plans[0]![0]!.merge?.validity).toEqual({
      from: "_alv_valid_from",
      to: "_alv_valid_to",
      active: "_alv_active",
      retireAbsent: false,
    });
  });

  test.for<[Partial<TableDescription>, string, RegExp]>([
    [
      { merge: { orderBy: "at" } },
      "ALV_SOURCE_NOT_FOUND",
      /no column at, which is named as its order column/,
    ],
    [
      { merge: { deleteFlag: "Id" } },
      "ALV_CONFIG",
      /deleteFlag names id, which is int64; it must be a boolean/,
    ],
    [
      {
        disposition: merging("scd2"),
        merge: { validity: { from: "id", to: "until", active: "active", retireAbsent: false } },
      },
      "ALV_NAME_COLLISION",
      /column Id of t has the name of a column that t has to keep versions/,
    ],
    [
      {
        disposition: merging("scd2"),
        cursorColumn: "Id",
        merge: { validity: { from: "a", to: "b", active: "c", retireAbsent: true } },
      },
      "ALV_CONFIG",
      /retireAbsent and the cursor Id/,
    ],
  ])("that cannot be: %o", async ([describe, code, message]) => {
    const { load, store } = setUp();
    const error = await failure(load(changing(describe, () => [{ batch: ids(1n) }, { checkpoint: 1 }])));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(store.tables.size).toBe(0);
  });
});

describe("changes", () => {
  test("of an attempt stand behind those that are kept of the one before", async () => {
    const { destination, load } = setUp();
    const from = changing({}, (attempt) =>
      attempt === 1
        ? [
            { batch: ids(7n, 8n) },
            changes([ChangeOp.update, ChangeOp.update], [0n, 1n]),
            { checkpoint: 1 },
            changes([ChangeOp.update], [2n]),
            new AlluviumError("ALV_CONNECTION", "gone"),
          ]
        : [changes([ChangeOp.delete], [0n]), changes([ChangeOp.insert], [1n]), { checkpoint: 2 }],
    );
    // Near the deadline every checkpoint is sealed, so the first one is kept.
    await load(from, { deadline: new Date(Date.now() + 500) });
    const ordinals = destination.written.map(({ batch }) => batch.changes && [...batch.changes.ordinals]);
    expect(ordinals).toEqual([undefined, [2n, 3n], [4n], [5n], [6n]]);
  });

  test("name the old key as the table does", async () => {
    const { destination, load } = setUp();
    const oldKeys = batchOf({ Id: [{ kind: "int32" }, [5]] });
    const from = changing({}, () => [
      { batch: ids(1n) },
      changes([ChangeOp.update], [3n], { oldKeys }),
      { checkpoint: 1 },
    ]);
    await load(from);
    const moved = destination.written[1]!.batch.changes!.oldKeys!;
    expect(moved.schema.fields).toEqual([{ name: "id", type: int64, nullable: true }]);
    expect(moved.columns[0]!.type).toEqual(int64);
  });

  test("are refused where nothing merges, but for inserts", async () => {
    const { destination, load } = setUp();
    const append = { disposition: { kind: "append" } } as const;
    await load(changing(append, () => [changes([ChangeOp.insert], [0n]), { checkpoint: 1 }]));
    expect(destination.written[0]!.batch.changes).toBeUndefined();
    const error = await failure(
      load(changing(append, () => [changes([ChangeOp.delete], [0n]), { checkpoint: 2 }])),
    );
    expect(error.code).toBe("ALV_UNSUPPORTED");
    expect(error.message).toMatch(/updates and deletes, which only a merge can follow/);
  });
});

test("rows that come and go give the same table, at whatever step a stream or a run is stopped", async () => {
  interface Item {
    id: number;
    open: boolean;
    at: number;
  }
  const item = (at: number, id: number, open: boolean): Item => ({ at, id, open });
  // Keys are opened and closed several times, within a load too.
  const log = [
    item(1, 1, true),
    item(2, 2, true),
    item(3, 1, false),
    item(4, 1, true),
    item(5, 2, false),
    item(6, 3, true),
    item(7, 3, false),
    item(8, 3, true),
    item(9, 1, false),
  ];
  const items = (until: number) =>
    source("s", () => [
      resource({
        name: "items",
        schema: typed<Item>(),
        primaryKey: "id",
        cursor: "at",
        disposition: "merge",
        async *read({ since = 0, position }) {
          for (const one of log.slice(0, until)) {
            if (one.at < since || one.at <= Number(position ?? 0)) continue;
            yield one;
            yield checkpoint(one.at);
          }
        },
      }).filter(({ open }) => open),
    ])();
  for (const retryable of [true, false]) {
    let steps = Infinity;
    for (let stopAt = 0; stopAt < steps; stopAt++) {
      const { store, destination } = setUp();
      let at = 0;
      const stopping = faultyDestination(destination, () => {
        if (at++ === stopAt) throw new AlluviumError("ALV_CONNECTION", "stopped", { retryable });
      });
      const run = (until: number, commitBytes: number, into: Destination = stopping) =>
        runPipeline(
          { name: "p", source: items(until) as Source, destination: into, loadIdColumn: false },
          { ...fast, commitBytes },
        ).catch(() => undefined);
      await run(5, 60);
      await run(9, 1_000_000);
      if (at <= stopAt) steps = stopAt;
      store.crash();
      await run(9, 1, destination);
      const rows = [...store.rows("items")].sort((a, b) => Number(a["id"]) - Number(b["id"]));
      expect(rows, `stopped at step ${stopAt}`).toEqual([{ id: 3n, open: true, at: 8n }]);
    }
    expect(steps).toBeGreaterThan(20);
  }
});

describe("what takes effect at the end", () => {
  const deleteInsert = { disposition: merging("deleteInsert"), cursorColumn: "Id" };

  test("deleteInsert goes on from its cursor, which moves at the end alone", async () => {
    const { destination, load, state } = setUp();
    const from = changing(deleteInsert, (_, since = 0) => [
      { batch: ids(1n) },
      { checkpoint: Number(since) + 1 },
      { batch: ids(2n) },
      { checkpoint: Number(since) + 2 },
    ]);
    await load(from, { commitBytes: 1 });
    expect(destination.seals).toEqual([{ stream: "t", end: true }]);
    expect(state()?.streams["t"]?.cursor).toBe(2);
    await load(from, { commitBytes: 1 });
    expect(from.since).toEqual([undefined, 2]);
    expect(state()).toMatchObject({ sequence: 1, streams: { t: { cursor: 4 } } });
  });

  test("a failure takes all of it back, and it is read from its cursor again", async () => {
    const { load, state, store } = setUp();
    const from = changing(deleteInsert, (attempt, since = 0) => [
      { batch: ids(1n) },
      { checkpoint: Number(since) + 1 },
      ...(attempt === 1 ? [new AlluviumError("ALV_CONNECTION", "gone")] : []),
      { batch: ids(2n) },
      { checkpoint: Number(since) + 2 },
    ]);
    await load(from, { commitBytes: 1 });
    expect(from.since).toEqual([undefined, undefined]);
    expect(state()?.streams["t"]?.cursor).toBe(2);
    expect(store.rows("t")).toEqual([{ id: 1n }, { id: 2n }]);
  });

  test("a run that finds nothing new leaves no load behind", async () => {
    const { load, state } = setUp();
    const from = changing(deleteInsert, (_, since) =>
      since === undefined ? [{ batch: ids(1n) }, { checkpoint: 1 }] : [{ checkpoint: 1 }],
    );
    await load(from);
    await load(from);
    expect(state()?.sequence).toBe(0);
  });

  test("rows behind the last checkpoint of a stream are an error there too", async () => {
    const { load } = setUp();
    const error = await failure(load(changing(deleteInsert, () => [{ checkpoint: 1 }, { batch: ids(1n) }])));
    expect(error.message).toMatch(/yielded 1 rows after its last checkpoint and ended/);
  });

  test("retireAbsent reads everything each time, beside resources that follow a cursor", async () => {
    const { destination, load, state } = setUp();
    let reads = 0;
    const people = resource({
      name: "people",
      schema: typed<{ Id: number }>(),
      primaryKey: "Id",
      async *read() {
        reads += 1;
        yield [{ Id: 1 }];
      },
    });
    const definition = {
      ...people.definition,
      table: {
        ...people.definition.table,
        disposition: merging("scd2"),
        merge: { validity: { from: "a", to: "b", active: "c", retireAbsent: true } },
      },
    };
    const from = source("s", () => [{ ...people, definition }])();
    await load(from);
    await load(from);
    expect(reads).toBe(2);
    expect(destination.plans).toHaveLength(2);
    expect(state()).toMatchObject({ sequence: 1, streams: { people: { cursor: null } } });
    expect(state()?.tables["people"]).toMatchObject({ disposition: "scd2", validity: ["a", "b", "c"] });
  });
});

describe("another disposition or key than before", () => {
  const key = ["Id"];
  type Kind = "append" | "replace" | "upsert" | "insertOnly" | "deleteInsert" | "scd2";
  const table = (kind: Kind, more: Partial<TableDescription> = {}): Partial<TableDescription> => ({
    primaryKey: key,
    disposition:
      kind === "append" ? { kind } : kind === "replace" ? { kind, allowEmpty: false } : merging(kind),
    ...more,
  });
  // A replace reads no cursor; the others go on from theirs.
  const from = (describe: Partial<TableDescription>): Source =>
    changing(describe, () =>
      describe.disposition?.kind === "replace"
        ? [{ batch: ids(1n) }]
        : [{ batch: ids(1n) }, { checkpoint: 1 }],
    );

  const kinds: readonly Kind[] = ["append", "replace", "upsert", "insertOnly", "deleteInsert", "scd2"];
  const remedyOf = (before: Kind, now: Kind): string | undefined =>
    before === "scd2" || now === "scd2" ? "tables" : now === "append" ? "data" : undefined;
  const pairs = kinds
    .flatMap((before) => kinds.map((now) => ({ before, now, remedy: remedyOf(before, now) })))
    .filter(({ before, now }) => before !== now);

  test.for(pairs.filter(({ remedy }) => remedy === undefined))(
    "$before, then $now",
    async ({ before, now }) => {
      const { load, state } = setUp();
      await load(from(table(before)));
      const report = await load(from(table(now)));
      expect(report.tables["t"]?.schemaChanges).toEqual([
        { kind: "dispositionChanged", from: before, to: now },
      ]);
      expect(state()?.tables["t"]?.disposition).toBe(now);
    },
  );

  test.for(pairs.filter(({ remedy }) => remedy !== undefined))(
    "$before, then $now, is refused but for a refresh of its $remedy",
    async ({ before, now, remedy }) => {
      const { load, state } = setUp();
      await load(from(table(before)));
      const error = await failure(load(from(table(now))));
      expect(error.code).toBe("ALV_STATE_MISMATCH");
      expect(error.message).toContain(`refresh: "${remedy}"`);
      expect(state()).toMatchObject({ sequence: 0, tables: { t: { disposition: before } } });
      await load(from(table(now)), { refresh: remedy as Refresh });
      expect(state()).toMatchObject({ sequence: 1, tables: { t: { disposition: now } } });
    },
  );

  test("a key that the rows which are there do not have", async () => {
    const { load } = setUp();
    await load(from(table("append", { primaryKey: [] })));
    const wide = batchOf({ Id: [int64, [1n]], region: [int64, [1n]] });
    const error = await failure(
      load(changing(table("upsert", { primaryKey: ["Id", "region"] }), () => [{ batch: wide }])),
    );
    expect(error.message).toMatch(
      /has no column region so far, by which upsert would find.*refresh: "tables"/,
    );
  });

  test("another key of a merge is refused, the same in another order is none", async () => {
    const { load } = setUp();
    const batch = batchOf({ Id: [int64, [1n]], region: [int64, [1n]] });
    const keyed = (...primaryKey: string[]): Source =>
      changing(table("upsert", { primaryKey }), () => [{ batch }, { checkpoint: 1 }]);
    await load(keyed("Id", "region"));
    await load(keyed("region", "Id"));
    const error = await failure(load(keyed("region")));
    expect(error.code).toBe("ALV_STATE_MISMATCH");
    expect(error.message).toMatch(/was merged by region, id so far, now by region,.*refresh: "tables"/);
  });

  test("other names of version columns are refused", async () => {
    const { load } = setUp();
    const validity = { from: "a", to: "b", active: "c", retireAbsent: false };
    await load(from(table("scd2", { merge: { validity } })));
    await load(from(table("scd2", { merge: { validity } })));
    const error = await failure(load(from(table("scd2", { merge: { validity: { ...validity, to: "d" } } }))));
    expect(error.message).toMatch(/keeps its versions in a, b, c, now in a, d, c/);
  });
});
