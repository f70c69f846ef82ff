import { describe, expect, test } from "vitest";
import { resource } from "../src/resource.ts";
import { source } from "../src/source.ts";
import type { AnyResource } from "../src/transform.ts";
import { typed } from "../src/typed.ts";
import { readAll, readStream, streamsOf, type Outcome } from "./reading.ts";

interface Item {
  id: number;
  name: string;
  open: boolean;
}
const list: Item[] = [
  { id: 1, name: "a", open: true },
  { id: 2, name: "b", open: false },
  { id: 3, name: "c", open: true },
];
const items = resource({ name: "items", schema: typed<Item>(), primaryKey: "id", read: () => [list] });

describe("steps", () => {
  test("filter keeps, map makes, flatMap multiplies", async () => {
    const tables = await readAll(
      items.filter((row) => row.open).as("open"),
      items.map(({ id, name }) => ({ key: id * 2, name })).as("mapped"),
      items.flatMap(({ id, name }) => Array.from({ length: id }, (_, i) => ({ name, i }))).as("many"),
      items
        .flatMap(function* ({ id }) {
          if (id > 1) yield { id };
        })
        .as("some"),
    );
    expect(tables["open"]).toEqual([
      { id: 1n, name: "a", open: true },
      { id: 3n, name: "c", open: true },
    ]);
    expect(tables["mapped"]?.map(({ key }) => key)).toEqual([2n, 4n, 6n]);
    expect(tables["many"]).toHaveLength(6);
    expect(tables["some"]).toEqual([{ id: 2n }, { id: 3n }]);
  });

  test("select and rename stay in columns, and rows after them have the new names and the user's values", async () => {
    const seen: unknown[] = [];
    const renamed = items.select("id", "name").rename({ id: "key" });
    const tables = await readAll(
      renamed
        .filter((row) => {
          seen.push(row);
          return row.key !== 2;
        })
        .as("renamed"),
    );
    expect(seen[0]).toEqual({ key: 1, name: "a" });
    expect(tables["renamed"]).toEqual([
      { key: 1n, name: "a" },
      { key: 3n, name: "c" },
    ]);
  });

  test("asynchronous functions keep the order and their bound", async () => {
    let inWork = 0;
    let most = 0;
    const slow = async <Value>(value: Value, wait: number): Promise<Value> => {
      most = Math.max(most, ++inWork);
      await new Promise((resolve) => setTimeout(resolve, wait));
      inWork -= 1;
      return value;
    };
    const many = resource({ name: "many", read: () => [Array.from({ length: 20 }, (_, id) => ({ id }))] });
    const tables = await readAll(
      many
        .filter((row) => slow(row.id % 2 === 0, (20 - row.id) / 2), { concurrency: 3 })
        .map((row) => slow({ id: row.id * 10 }, 20 - row.id), { concurrency: 3 })
        .as("slow"),
    );
    expect(tables["slow"]?.map(({ id }) => Number(id))).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
    expect(most).toBe(3);
  });

  test("failures name resource, method and row", async () => {
    await expect(
      readAll(
        items
          .map((row): object => {
            if (row.id === 2) throw new Error("no such customer");
            return row;
          })
          .as("bad"),
      ),
    ).rejects.toMatchObject({
      code: "ALV_SOURCE_FAILED",
      resource: "bad",
      message: expect.stringMatching(/resource "bad": map failed for the row \{ id: 2.*no such customer/),
    });
    await expect(readAll(items.map(() => 5 as never).as("bad"))).rejects.toThrow(
      /map returned 5, which is no row/,
    );
    await expect(readAll(items.flatMap(() => 5 as never).as("bad"))).rejects.toThrow(
      /flatMap returned 5, not rows/,
    );
    await expect(
      readAll(items.map(async () => await Promise.reject(new Error("later"))).as("bad")),
    ).rejects.toThrow(/later/);
  });

  test("types of mapped columns can be given", async () => {
    const tables = await readAll(
      items
        .map(({ id }) => ({ total: `${id}.5` }))
        .as("t", { columns: { total: { type: "decimal", precision: 9, scale: 2 } } }),
    );
    expect(tables["t"]?.map(({ total }) => total)).toEqual(["1.50", "2.50", "3.50"]);
    expect(() => items.as("t", { columns: { id: { type: "string" } } })).toThrow(
      /only right after map or flatMap/,
    );
  });
});

describe("a shared read", () => {
  function counted(order?: "ascending"): {
    reads: unknown[];
    rows: { id: number; at: Date }[];
    orders: ReturnType<typeof make>;
  } {
    const reads: unknown[] = [];
    const rows = Array.from({ length: 10 }, (_, id) => ({ id, at: new Date(id * 1000) }));
    const make = () =>
      resource({
        name: "orders",
        schema: typed<{ id: number; at: Date }>(),
        cursor: { column: "at", ...(order && { order }) },
        *read({ since }) {
          reads.push(since?.getTime());
          yield rows.filter(({ at }) => since === undefined || at >= since);
        },
      });
    return { reads, rows, orders: make() };
  }
  const ids = (outcome: Outcome, table: string): number[] =>
    (outcome.tables[table] ?? []).map(({ id }) => Number(id));

  test("feeds all resources at once", async () => {
    const { reads, orders } = counted();
    const even = orders.filter(({ id }) => id % 2 === 0).as("even");
    const [stream] = await streamsOf([orders, even]);
    expect(stream!.tables.map(({ name }) => name)).toEqual(["orders", "even"]);
    const first = await readStream(stream!);
    expect(ids(first, "orders")).toHaveLength(10);
    expect(ids(first, "even")).toEqual([0, 2, 4, 6, 8]);
    expect(reads).toEqual([undefined]);
    const second = await readStream(stream!, first.cursor);
    expect(second.tables).toEqual({});
    expect(reads).toEqual([undefined, 9000]);
  });

  test("is caught up with by a resource that is new, and then shared again", async () => {
    for (const order of [undefined, "ascending"] as const) {
      const { reads, rows, orders } = counted(order);
      const [alone] = await streamsOf([orders]);
      const first = await readStream(alone!);
      rows.push({ id: 10, at: new Date(9000) }, { id: 11, at: new Date(11_000) });
      const late = orders.as("late");
      const [both] = await streamsOf([orders, late]);
      expect(both!.name).toBe(alone!.name);
      const second = await readStream(both!, first.cursor);
      expect(ids(second, "orders")).toEqual([10, 11]);
      expect(ids(second, "late")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      // First alone, up to where the other stands, then both from there.
      expect(reads).toEqual([undefined, undefined, 9000]);
      rows.push({ id: 12, at: new Date(11_000) });
      const third = await readStream(both!, second.cursor);
      expect([ids(third, "orders"), ids(third, "late")]).toEqual([[12], [12]]);
      expect(reads).toHaveLength(4);
    }
  });

  test("is shared after catching up also where the last row is gone", async () => {
    const { rows, orders } = counted();
    const [alone] = await streamsOf([orders]);
    const first = await readStream(alone!);
    rows.pop();
    rows.push({ id: 11, at: new Date(11_000) });
    const [both] = await streamsOf([orders, orders.as("late")]);
    const second = await readStream(both!, first.cursor);
    expect(ids(second, "orders")).toEqual([11]);
    expect(ids(second, "late")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 11]);
  });

  test("leaves the state of resources that are not read as it is", async () => {
    const { rows, orders } = counted();
    const other = orders.as("other");
    const [both] = await streamsOf([orders, other]);
    const first = await readStream(both!);
    rows.push({ id: 10, at: new Date(10_000) });
    const [one] = await streamsOf([orders, other], ["orders"]);
    const second = await readStream(one!, first.cursor);
    expect(second.tables).toEqual({ orders: [expect.objectContaining({ id: 10n })] });
    const third = await readStream(both!, second.cursor);
    expect(third.tables).toEqual({ other: [expect.objectContaining({ id: 10n })] });
  });

  test("is apart for resources that replace their table", async () => {
    const { reads, orders } = counted();
    const all = orders.as("all", { disposition: "replace" });
    const streams = await streamsOf([orders, all]);
    expect(streams.map(({ name }) => name)).toEqual(["orders", "orders:replace"]);
    const replaced = await readStream(streams[1]!);
    expect(replaced.cursor).toBeUndefined();
    expect(ids(replaced, "all")).toHaveLength(10);
    expect(reads).toEqual([undefined]);
  });
});

describe("a resource that merges", () => {
  const merged = resource({
    name: "merged",
    schema: typed<Item>(),
    primaryKey: "id",
    disposition: "merge",
    read: () => [list],
  });

  test("deletes the keys of the rows that a filter refuses", async () => {
    const tables = await readAll(
      merged
        .filter((row) => row.open)
        .select("id", "name")
        .as("open"),
    );
    expect(tables["open"]).toEqual([
      { id: 1n, name: "a", op: "insert", at: 0 },
      { id: 3n, name: "c", op: "insert", at: 2 },
      { id: 2n, name: null, op: "delete", at: 1 },
    ]);
  });

  test("carries deletes past rename and map", async () => {
    const renamed = merged.filter((row) => row.open).rename({ id: "key" });
    const tables = await readAll(
      renamed.as("renamed"),
      renamed
        .map(({ key, name }) => ({ key, shout: name.toUpperCase() }))
        .as("mapped", { primaryKey: "key" }),
    );
    expect(tables["renamed"]?.at(-1)).toEqual({ key: 2n, name: null, open: null, op: "delete", at: 1 });
    expect(tables["mapped"]).toEqual([
      { key: 1n, shout: "A", op: "insert", at: 0 },
      { key: 3n, shout: "C", op: "insert", at: 2 },
      { key: 2n, shout: null, op: "delete", at: 1 },
    ]);
  });

  test("refuses, when planned, what cannot be told", () => {
    const plan = (one: AnyResource) => () => source("s", () => [one])();
    expect(plan(merged.map(({ id }) => ({ id })).as("x"))).toThrow(
      /"x": it merges, but has no key after its transforms/,
    );
    expect(plan(merged.select("name").as("x"))).toThrow(/has no key/);
    expect(
      plan(
        merged
          .filter((row) => row.open)
          .flatMap(({ id }) => [{ id, line: 1 }])
          .as("x", { primaryKey: ["id", "line"] }),
      ),
    ).toThrow(/Filter after flatMap/);
  });

  test("notices a map that changes the key behind a filter", async () => {
    const changed = merged
      .filter((row) => row.open)
      .map(({ id }) => ({ id: id + 100 }))
      .as("x", { primaryKey: "id" });
    await expect(readAll(changed)).rejects.toThrow(/map changes the key column "id" from 1 to 101/);
  });

  test("has no ops where nothing is refused by design", async () => {
    expect((await readAll(merged))["merged"]?.[0]).toEqual({ id: 1n, name: "a", open: true });
  });
});
