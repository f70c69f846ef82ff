import type { ColumnType, Field, TablePlan } from "@alluvium/core";
import { vectorOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { suiteContext } from "@alluvium/core/testing";
import { delta } from "@alluvium/destinations/delta";
import { expect, test } from "vitest";
import { spark } from "./client.ts";

const nullable = (name: string, type: ColumnType): Field => ({ name, type, nullable: true });
const text: ColumnType = { kind: "string" };
const struct = (...names: readonly string[]): ColumnType => ({
  kind: "struct",
  fields: names.map((name) => nullable(name, text)),
});
const list = (type: ColumnType): ColumnType => ({ kind: "list", element: nullable("element", type) });
const before: readonly Field[] = [
  nullable("id", { kind: "int64" }),
  nullable("odd-name", { kind: "decimal", precision: 9, scale: 2 }),
  nullable("at", { kind: "timestamp", zone: "utc" }),
  nullable("s", struct("a")),
  nullable("l", list(struct("a"))),
];
const after: readonly Field[] = [
  ...before.slice(0, 3),
  nullable("s", struct("a", "b")),
  nullable("l", list(struct("a", "c"))),
  nullable("wall", { kind: "timestamp", zone: "local" }),
];

test("Spark runs what a dry run prints", async () => {
  const table = "previewed";
  const store = memoryStore();
  const planOf = (fields: readonly Field[], restart?: "tables"): TablePlan => ({
    table,
    stream: table,
    disposition: { kind: "append" },
    primaryKey: [],
    partitionBy: [{ column: "at", transform: "day", name: "day" }],
    schema: { fields },
    ...(restart && { restart }),
  });
  const load = { loadId: "l", startedAt: new Date(0) };
  const statementsFor = async (plan: TablePlan): Promise<readonly string[]> => {
    await using session = await delta({ store }).open(suiteContext());
    return (await session.preview!({ ...load, tables: [plan] }))[0]!.statements;
  };
  const columns = async (): Promise<readonly string[]> =>
    ((await spark("describe table previewed")) as readonly (readonly string[])[])
      .map(([name, type]) => `${name} ${type}`)
      .filter((line) => !line.startsWith("#"));
  const run = async (plan: TablePlan): Promise<void> => {
    for (const statement of await statementsFor(plan)) await spark(statement);
  };

  await run(planOf(before));
  expect(await columns()).toEqual(
    expect.arrayContaining(["id bigint", "odd-name decimal(9,2)", "l array<struct<a:string>>", "day date"]),
  );
  {
    await using session = await delta({ store }).open(suiteContext());
    await session.recover();
    const one = await session.begin({ ...load, tables: [planOf(before)] });
    const vectors = before.map(({ type }) => vectorOf(type, [null]));
    await one.write(table, { schema: { fields: before }, length: 1, columns: vectors });
    await one.mark(table, { seal: true, end: true });
    await one.commit({ incarnation: "i", sequence: 0, loadId: "l", streams: {}, tables: {} });
  }
  await run(planOf(after));
  expect(await columns()).toEqual(
    expect.arrayContaining(["s struct<a:string,b:string>", "l array<struct<a:string,c:string>>"]),
  );
  expect((await columns()).some((line) => line.startsWith("wall timestamp_ntz"))).toBe(true);
  await run(planOf([nullable("id", text), nullable("at", { kind: "date" })], "tables"));
  expect((await columns())[0]).toBe("id string");
});
