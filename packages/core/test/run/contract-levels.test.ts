import { describe, expect, test } from "vitest";
import { pipeline, resource, source, type ContractOption, type RunReport } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { z } from "zod";

interface Levels {
  readonly resource?: ContractOption;
  readonly source?: ContractOption;
  readonly run?: ContractOption;
}

/** A run of a row with a new column and of one with a value that its column does not hold, after a first load. */
async function load(
  levels: Levels,
): Promise<{ readonly report: RunReport; readonly rows: readonly object[] }> {
  const memory = memoryDestination();
  let rows: object[] = [{ id: 1, size: 10 }];
  const items = resource({ name: "items", contract: levels.resource, read: () => [rows] } as never);
  const shop = source("shop", () => [items], { contract: levels.source } as object);
  const load = pipeline({ name: "p", source: shop() as never, destination: memory as never });
  await load.run();
  rows = [
    { id: 2, size: 20, colour: "red" },
    { id: 3, size: "big" },
    { id: 4, size: 40 },
  ];
  const report = (await load.run({ contract: levels.run })) as RunReport;
  return { report, rows: memory.store.rows("items") };
}

describe("a contract", () => {
  test("of a source holds for resources that say nothing", async () => {
    const { report } = await load({ source: "discardRow" });
    expect(report.tables["items"]).toMatchObject({ rows: 1, discarded: { rows: 2, values: 0 } });
  });
  test("of a resource comes before that of its source, for what it names", async () => {
    const { report } = await load({ source: "discardRow", resource: { columns: "discardValue" } });
    expect(report.tables["items"]).toMatchObject({ rows: 2, discarded: { rows: 1, values: 1 } });
  });
  test("of a run comes before both", async () => {
    const { report, rows } = await load({
      source: { types: "discardRow" },
      resource: "freeze",
      run: { columns: "evolve", types: "quarantine" },
    });
    expect(report.tables["items"]).toMatchObject({ rows: 2, quarantined: 1, discarded: { rows: 0 } });
    expect(rows).toContainEqual(expect.objectContaining({ id: 2n, colour: "red" }));
  });
  test("that is none is refused where it is given", async () => {
    const bad = { colums: "freeze" } as never;
    expect(() => source("shop", () => [], { contract: bad })).toThrow(/source "shop": contract is/);
    expect(() => source("shop", () => [], { contract: "thaw" as never })).toThrow(/"thaw"/);
    await expect(load({ run: { types: "thaw" as never } })).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringContaining('contract.types is "thaw"') as string,
    });
  });
});

describe("a new table under freeze", () => {
  const run = (rows: readonly object[], more: object, memory = memoryDestination()) => {
    const items = resource({ name: "items", contract: "freeze", read: () => [rows], ...more } as never);
    const s = source("s", () => [items])();
    return pipeline({ name: "p", source: s as never, destination: memory as never }).run();
  };
  test("is made with the columns that its schema declares, which are its contract from the first row on", async () => {
    const declared = { schema: z.looseObject({ id: z.int(), size: z.int().optional() }) };
    const first = memoryDestination();
    await run([{ id: 1 }], declared, first);
    await run([{ id: 2, size: 2 }], declared, first);
    expect(first.store.rows("items")).toHaveLength(2);
    for (const memory of [first, memoryDestination()])
      await expect(run([{ id: 3, colour: "red" }], declared, memory)).rejects.toMatchObject({
        code: "ALV_SCHEMA_CONFLICT",
        message: expect.stringContaining("colour") as string,
      });
    expect(first.store.rows("items")).toHaveLength(2);
  });
  test("takes what its first load brings where nothing is declared, and holds to that", async () => {
    const memory = memoryDestination();
    await run([{ id: 1 }, { id: 2, size: 2 }], {}, memory);
    await expect(run([{ id: 3, colour: "red" }], {}, memory)).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
    await expect(run([{ id: 3, size: "big" }], {}, memory)).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
  });
});
