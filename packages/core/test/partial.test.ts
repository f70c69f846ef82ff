import { describe, expect, test } from "vitest";
import * as z from "zod";
import { createPartialAppender } from "../src/columns/append-partial.ts";
import { bitAt } from "../src/columns/bitmap.ts";
import type { Batch } from "../src/columns/batch.ts";
import { checkpoint } from "../src/checkpoint.ts";
import { redact } from "../src/mask.ts";
import { pipeline } from "../src/pipeline.ts";
import { resource } from "../src/resource.ts";
import { source } from "../src/source.ts";
import { memoryDestination, memoryTables } from "../src/testing/index.ts";
import type { AnyResource } from "../src/transform.ts";
import { typed } from "../src/typed.ts";
import { readAll, readStream, streamsOf } from "./reading.ts";

interface Order {
  id: number;
  total: number | null;
  note: string | null;
}
const unchanged = "unchanged";

function orders(rows: readonly object[]) {
  return resource({
    name: "orders",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: "merge",
    partial: true,
    read: () => [rows],
  });
}

test("what a row lacks is unchanged, null is null", async () => {
  const rows = [
    { id: 1, total: 5, note: "a" },
    { id: 2 },
    { id: 3, total: null },
    { id: 4, note: undefined, total: 7 },
    { id: 5, note: null },
  ];
  const { orders: table } = await readAll(orders(rows));
  expect(table).toEqual([
    { id: 1n, total: 5n, note: "a", op: "insert", at: 0 },
    { id: 2n, total: unchanged, note: unchanged, op: "insert", at: 1 },
    { id: 3n, total: null, note: unchanged, op: "insert", at: 2 },
    { id: 4n, total: 7n, note: unchanged, op: "insert", at: 3 },
    { id: 5n, total: unchanged, note: null, op: "insert", at: 4 },
  ]);
});

test("columns that come late were left out before, and a refused row leaves no trace", () => {
  const appender = createPartialAppender({ columns: { id: { type: "int32", nullable: false } } });
  const cells = ({ schema, changes, length }: Batch): Record<string, string> =>
    Object.fromEntries(
      schema.fields.map(({ name }, i) => {
        const bits = changes!.unchanged?.[i];
        return [
          name,
          Array.from({ length }, (_, row) => Number(bits !== undefined && bitAt(bits, row))).join(""),
        ];
      }),
    );
  appender.append({ id: 1, a: null });
  expect(() => appender.append({ a: null })).toThrow(/"id"/);
  expect(() => appender.append({ id: 2, a: null, b: Symbol("x") })).toThrow(/"b"/);
  appender.append({ id: 2, late: { deep: null } });
  appender.append(Object.create({ a: null }, { id: { value: 3, enumerable: true } }) as object);
  expect(cells(appender.finish())).toEqual({ id: "000", a: "011", late: "101" });
  // The next batch begins anew.
  appender.append({ id: 4, a: 1, late: null });
  const { changes } = appender.finish();
  expect(changes).toEqual({
    ops: Uint8Array.of(0),
    ordinals: BigInt64Array.of(0n),
    unchanged: [undefined, undefined, undefined],
  });
  for (let id = 0; id < 20; id++)
    appender.append(id % 3 === 0 ? { id, a: null } : id % 3 === 1 ? { id, a: id } : { id });
  expect(cells(appender.finish())["a"]).toBe("00100100100100100100");
});

test("positions go on across batches, checkpoints and attempts of a run", async () => {
  let attempts = 0;
  const cut = resource({
    name: "cut",
    schema: typed<{ id: number; a?: number }>(),
    primaryKey: "id",
    disposition: "merge",
    partial: true,
    *read({ position }) {
      attempts += 1;
      if (position === undefined) {
        yield { id: 1, a: 1 };
        yield checkpoint(1);
        if (attempts === 1) throw new Error("away");
      }
      yield { id: 1 };
      yield checkpoint(2);
    },
  });
  const [stream] = await streamsOf([cut]);
  const rows: unknown[] = [];
  let since: unknown;
  const context = { signal: new AbortController().signal, budget: 1 << 20, emit: () => {} };
  const read = async (attempt: number): Promise<void> => {
    for await (const item of stream!.read({ ...context, since, attempt }))
      if ("checkpoint" in item) since = item.checkpoint;
      else if ("batch" in item) rows.push([...item.batch.changes!.ordinals]);
  };
  await expect(read(1)).rejects.toThrow("away");
  await read(2);
  expect(rows).toEqual([[0n], [1n]]);
});

test("rows are checked by the schema as it is given", async () => {
  const Row = z.object({ id: z.int(), total: z.number(), note: z.string().nullable() });
  const checked = (schema: z.ZodType<object>, row: object) =>
    resource({
      name: "checked",
      schema,
      primaryKey: "id" as never,
      disposition: "merge",
      partial: true,
      read: () => [row],
    });
  const partial = Row.partial().required({ id: true });
  expect((await readAll(checked(partial, { id: 1, total: 2 })))["checked"]).toEqual([
    { id: 1n, total: 2, note: unchanged, op: "insert", at: 0 },
  ]);
  await expect(readAll(checked(partial, { id: 1, total: null }))).rejects.toMatchObject({
    code: "ALV_ROW_INVALID",
  });
  await expect(readAll(checked(Row, { id: 1, total: 2 }))).rejects.toMatchObject({ code: "ALV_ROW_INVALID" });
});

describe("transforms", () => {
  test("in columns carry what is left out", async () => {
    const made = orders([
      { id: 1, note: "a" },
      { id: 2, total: 5, note: null },
    ])
      .cast({ total: { type: "decimal", precision: 9, scale: 2 } })
      .mask({ note: redact() })
      .rename({ id: "key" })
      .select("note", "total", "key")
      .as("made");
    expect((await readAll(made))["made"]).toEqual([
      { note: "***", total: unchanged, key: 1n, op: "insert", at: 0 },
      { note: null, total: "5.00", key: 2n, op: "insert", at: 1 },
    ]);
  });

  test("a cast that says not null asks it of cells that are there", async () => {
    const made = orders([{ id: 1 }, { id: 2, total: 1 }]).cast({ total: { type: "int32", nullable: false } });
    expect((await readAll(made))["orders"]).toHaveLength(2);
    const bad = orders([{ id: 1 }, { id: 2, total: null }, { id: 3, total: 1 }]);
    await expect(readAll(bad.cast({ total: { type: "int32", nullable: false } }))).rejects.toThrow(/row 2/);
  });

  test("by row, and tables that do not merge, are refused when planned", () => {
    const plan = (one: AnyResource) => () => source("s", () => [one])();
    const made = orders([]);
    for (const [one, message] of [
      [
        made.filter(() => true),
        /its rows are partial, and filter would see rows without what they leave out/,
      ],
      [made.map((row) => row).as("x", { primaryKey: "id" }), /map would see/],
      [made.flatMap((row) => [row]).as("x", { primaryKey: "id" }), /flatMap would see/],
      [made.as("x", { disposition: "append" }), /so it must merge/],
      [made.as("x", { disposition: { merge: "insertOnly" } }), /so it must merge/],
    ] as const)
      expect(plan(one)).toThrow(
        expect.objectContaining({ code: "ALV_CONFIG", message: expect.stringMatching(message) }),
      );
    expect(plan(made.as("x", { disposition: { merge: "scd2" } }))).not.toThrow();
    expect(() => resource({ name: "x", partial: "yes" as never, read: () => [{}] })).toThrow(
      /partial is "yes"/,
    );
  });
});

test("a sample reads like any other", async () => {
  const [stream] = await streamsOf([orders([{ id: 1 }, { id: 2 }, { id: 3 }])]);
  expect((await readStream(stream!, undefined, { limit: 2 })).tables["orders"]).toHaveLength(2);
  expect(stream!.tables[0]).toMatchObject({ partial: true });
});

test("a merge keeps what rows leave out, variants included; writing a column clears its variants", async () => {
  const store = memoryTables();
  const load = async (rows: readonly object[]): Promise<unknown[]> => {
    const only = source("s", () => [orders(rows)])();
    await pipeline({
      name: "p",
      source: only,
      destination: memoryDestination({ store }),
      loadIdColumn: false,
    }).run();
    return store.rows("orders").toSorted((a, b) => Number(a["id"]) - Number(b["id"]));
  };
  await load([
    { id: 1, total: 5, note: "a" },
    { id: 2, total: 6, note: "b" },
  ]);
  // Texts where numbers are committed.
  expect(
    await load([
      { id: 1, total: "five" },
      { id: 3, total: "six" },
    ]),
  ).toEqual([
    { id: 1n, total: null, note: "a", total__v_string: "five" },
    { id: 2n, total: 6n, note: "b", total__v_string: null },
    { id: 3n, total: null, note: null, total__v_string: "six" },
  ]);
  // The total is left out, by one row and by a whole batch.
  expect(await load([{ id: 1, note: "c" }])).toContainEqual({
    id: 1n,
    total: null,
    note: "c",
    total__v_string: "five",
  });
  expect(
    await load([
      { id: 1, note: null },
      { id: 3, total: null },
      { id: 2, total: 7 },
    ]),
  ).toEqual([
    { id: 1n, total: null, note: null, total__v_string: "five" },
    { id: 2n, total: 7n, note: "b", total__v_string: null },
    { id: 3n, total: null, note: null, total__v_string: null },
  ]);
  expect(await load([{ id: 1, total: 8 }])).toContainEqual({
    id: 1n,
    total: 8n,
    note: null,
    total__v_string: null,
  });
});
