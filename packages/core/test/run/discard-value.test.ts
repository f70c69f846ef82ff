import { describe, expect, test } from "vitest";
import { pipeline, resource, source, type ContractOption, type RunReport } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { z } from "zod";

const schema = z.object({
  id: z.int(),
  email: z.email().optional(),
  tags: z.array(z.string()).optional(),
  address: z.object({ city: z.string(), zip: z.string().optional() }).optional(),
});

async function load(
  rows: readonly object[],
  contract: ContractOption = "discardValue",
  more: object = {},
): Promise<{ readonly report: RunReport; readonly stored: readonly object[] }> {
  const memory = memoryDestination();
  const items = resource({ name: "items", schema, contract, read: () => [rows], ...more } as never);
  const load = pipeline({
    name: "p",
    source: source("s", () => [items])() as never,
    destination: memory as never,
    loadIdColumn: false,
  });
  return { report: (await load.run()) as RunReport, stored: memory.store.rows("items") };
}

const whole = { id: 1, email: "a@example.com", tags: ["x"], address: { city: "Bern", zip: "3000" } };

describe("under discardValue", () => {
  test("a value that a schema refuses is left out of its row", async () => {
    const { report, stored } = await load([
      whole,
      { ...whole, id: 2, email: "nobody" },
      { ...whole, id: 3, tags: ["a", 1, "b", 2] },
      { ...whole, id: 4, address: { city: "Bern", zip: 3000 }, email: 7 },
    ]);
    expect(stored).toMatchObject([
      { id: 1n },
      { id: 2n, email: null, tags: ["x"] },
      { id: 3n, tags: ["a", "b"] },
      { id: 4n, email: null, address: { city: "Bern", zip: null } },
    ]);
    expect(report.tables["items"]).toMatchObject({ rows: 4, discarded: { rows: 0, values: 5 } });
  });

  test("a row that cannot be without it is left out", async () => {
    const { report, stored } = await load([
      whole,
      { ...whole, id: "two" },
      { ...whole, id: 3, address: { city: 7 } },
      "no row" as never,
    ]);
    expect(stored).toHaveLength(1);
    expect(report.tables["items"]).toMatchObject({ rows: 1, discarded: { rows: 3, values: 0 } });
  });

  test("so is a value that a hint does not take", async () => {
    const hinted = { schema: undefined, columns: { size: { type: "int32" } } };
    const { report, stored } = await load(
      [
        { id: 1, size: 1 },
        { id: 2, size: "big" },
      ],
      "discardValue",
      hinted,
    );
    expect(stored).toMatchObject([
      { id: 1n, size: 1 },
      { id: 2n, size: null },
    ]);
    expect(report.tables["items"]).toMatchObject({ rows: 2, discarded: { rows: 0, values: 1 } });
  });

  test("what a quarantine gets says which value it was", async () => {
    const memory = memoryDestination();
    const items = resource({
      name: "items",
      schema,
      contract: "quarantine",
      read: () => [[{ ...whole, address: { city: "Bern", zip: 1 } }]],
    } as never);
    const load = pipeline({
      name: "p",
      source: source("s", () => [items])() as never,
      destination: memory as never,
    });
    await load.run();
    expect(await load.quarantine({ resource: "items" as never })).toMatchObject([{ column: "address.zip" }]);
  });
});
