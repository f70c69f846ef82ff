import { describe, expect, test } from "vitest";
import {
  AlluviumError,
  pipeline,
  resource,
  source,
  typed,
  type AnyResource,
  type CursorOptions,
  type Destination,
} from "@alluvium/core";
import { memoryTables } from "@alluvium/core/testing";
import { memory, type MemoryDestination } from "@alluvium/destinations/memory";

/*
 * Where dlt 1.26 loses or doubles rows, one test each of what happens here. The ones about dispositions are cases of the conformance suite, which every
 * destination passes; the guide "Coming from dlt" names them.
 */

interface Event {
  readonly id: number;
  readonly at: Date | null;
  readonly text: string;
}

const day = (n: number): Date => new Date(Date.UTC(2024, 0, n));

interface Setup {
  readonly disposition?: "append" | "merge";
  readonly cursor?: Omit<CursorOptions<Event, "at">, "column">;
  readonly target?: MemoryDestination;
}

/** A pipeline over a table that tests change between runs. */
function events({ disposition = "append", cursor = {}, target = memory() }: Setup = {}) {
  const table: Event[] = [];
  const definition = resource({
    name: "events",
    schema: typed<Event>(),
    primaryKey: "id",
    cursor: { column: "at", ...cursor },
    disposition,
    read: ({ since }) => table.filter(({ at }) => at === null || since === undefined || at >= since),
  });
  const load = pipeline({ name: "p", source: source("s", () => [definition])(), destination: target });
  const ids = (): number[] =>
    target.store
      .rows("events")
      .map(({ id }) => Number(id))
      .sort((a, b) => a - b);
  return { table, run: () => load.run({ retry: { attempts: 1 } }), ids, target };
}

describe("incremental reads", () => {
  test("a row that changed without moving its cursor is loaded again", async () => {
    const { table, run, target } = events({ disposition: "merge" });
    table.push({ id: 1, at: day(1), text: "old" });
    await run();
    table[0] = { id: 1, at: day(1), text: "new" };
    await run();
    expect(target.store.rows("events")).toMatchObject([{ text: "new" }]);
  });

  test("a late row at the boundary is not missed, and those that were there are not doubled", async () => {
    const { table, run, ids } = events();
    table.push({ id: 1, at: day(1), text: "a" }, { id: 2, at: day(2), text: "b" });
    await run();
    table.push({ id: 3, at: day(2), text: "late" });
    await run();
    await run();
    expect(ids()).toEqual([1, 2, 3]);
  });

  test("state does not grow with the rows that were read", async () => {
    const { table, run, target } = events();
    const size = (): number =>
      JSON.stringify([...target.store.pipelines.values()].map(({ state }) => state?.streams)).length;
    table.push({ id: 0, at: day(1), text: "" });
    await run();
    const before = size();
    for (let id = 1; id <= 500; id++) table.push({ id, at: new Date(day(2).getTime() + id), text: "" });
    await run();
    expect(size() - before).toBeLessThan(50);
  });

  test("a row out of order stops a read that declares an order, instead of ending it early", async () => {
    const { table, run, ids } = events({ cursor: { order: "ascending" } });
    table.push(
      { id: 1, at: day(3), text: "a" },
      { id: 2, at: day(1), text: "b" },
      { id: 3, at: day(4), text: "c" },
    );
    await expect(run()).rejects.toMatchObject({ code: "ALV_CURSOR_ORDER" });
    const unordered = events();
    unordered.table.push(...table);
    await unordered.run();
    expect(unordered.ids()).toEqual([1, 2, 3]);
    expect(ids()).not.toContain(3);
  });

  test("instants are compared as instants, whatever their text", async () => {
    const { table, run, ids } = events();
    table.push({ id: 1, at: new Date("2024-05-01T10:00:00+00:00"), text: "a" });
    await run();
    // Later, though its text is less.
    table.push({ id: 2, at: new Date("2024-05-01T09:30:00-05:00"), text: "b" });
    await run();
    expect(ids()).toEqual([1, 2]);
  });

  test("lag does not double rows of an append", async () => {
    const { table, run, ids } = events({ cursor: { lag: { days: 2 } } });
    for (const n of [1, 2, 3, 4]) table.push({ id: n, at: day(n), text: "" });
    await run();
    await run();
    table.push({ id: 9, at: day(9), text: "" }, { id: 5, at: day(3), text: "late" });
    await run();
    await run();
    expect(ids()).toEqual([1, 2, 3, 4, 5]);
  });

  test("rows without a cursor value are appended once", async () => {
    const { table, run, ids } = events({ cursor: { nulls: "include" } });
    table.push({ id: 1, at: null, text: "a" }, { id: 2, at: day(1), text: "b" });
    await run();
    await run();
    table.push({ id: 3, at: null, text: "c" });
    await run();
    expect(ids()).toEqual([1, 2, 3]);
  });
});

describe("crashes", () => {
  const numbers = (count: number, signal?: { stop: boolean }): AnyResource =>
    resource({
      name: "numbers",
      schema: typed<{ id: number }>(),
      cursor: { column: "id", order: "ascending" },
      async *read({ since = 0 }) {
        for (let id = since; id < count; id++) {
          if (signal?.stop === true && id === 100) throw new Error("the source went away");
          yield { id };
        }
      },
    });
  const load = (destination: Destination<"append">, one: AnyResource) =>
    pipeline({ name: "p", source: source("s", () => [one])(), destination } as never).run({
      retry: { attempts: 1 },
      commitInterval: 0,
    });
  const count = ({ store }: MemoryDestination): readonly [rows: number, distinct: number] => {
    const ids = store.rows("numbers").map(({ id }) => Number(id));
    return [ids.length, new Set(ids).size];
  };

  /** A destination of which a commit fails: before it holds, or after. */
  function failing(target: MemoryDestination, when: "before" | "after", at: number): MemoryDestination {
    let commits = 0;
    return {
      ...target,
      async open(context) {
        const session = await target.open(context);
        return {
          ...session,
          async begin(plan) {
            const one = await session.begin(plan);
            return {
              ...one,
              async commit(next) {
                const isLast = commits++ === at;
                if (isLast && when === "before")
                  throw new AlluviumError("ALV_STORE_FULL", "the disk is full");
                const receipt = await one.commit(next);
                if (isLast)
                  throw new AlluviumError("ALV_CONNECTION", "the answer was lost", { retryable: false });
                return receipt;
              },
            };
          },
        };
      },
    };
  }

  test("what was read before a source failed is not read twice, nor lost", async () => {
    const target = memory();
    const signal = { stop: true };
    await expect(load(target, numbers(150, signal))).rejects.toThrow(/source went away|reading/i);
    expect(count(target)[0]).toBe(count(target)[1]);
    signal.stop = false;
    await load(target, numbers(150, signal));
    expect(count(target)).toEqual([150, 150]);
  });

  test("a load that fails for good does not move the cursor", async () => {
    const target = memory();
    await expect(load(failing(target, "before", 0), numbers(150))).rejects.toMatchObject({
      code: "ALV_STORE_FULL",
    });
    expect(count(target)).toEqual([0, 0]);
    target.store.crash();
    await load(target, numbers(150));
    expect(count(target)).toEqual([150, 150]);
  });

  test("a crash after the commit, before anyone heard of it, doubles nothing", async () => {
    const target = memory();
    await expect(load(failing(target, "after", 0), numbers(150))).rejects.toThrow(/answer was lost/);
    target.store.crash();
    await load(target, numbers(150));
    expect(count(target)).toEqual([150, 150]);
  });

  test("nothing of a pipeline is on a local disk: another machine goes on where this one ended", async () => {
    const store = memoryTables();
    await load(memory({ store }), numbers(100));
    await load(memory({ store }), numbers(150));
    expect(count(memory({ store }))).toEqual([150, 150]);
  });

  test("a load is listed once", async () => {
    const target = memory();
    await expect(load(failing(target, "after", 0), numbers(20))).rejects.toThrow(/answer was lost/);
    target.store.crash();
    await load(target, numbers(40));
    const history = [...target.store.pipelines.values()].flatMap((one) => one.history);
    expect(new Set(history.map(({ loadId }) => loadId)).size).toBe(history.length);
  });

  test("of two runs of one pipeline at once one is told, and rows are there once", async () => {
    const target = memory();
    const results = await Promise.allSettled([load(target, numbers(150)), load(target, numbers(150))]);
    expect(results.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    expect(count(target)).toEqual([150, 150]);
  });
});
