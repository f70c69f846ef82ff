import { expect, test } from "vitest";
import { pipeline, resource, source, type QuarantineLimits, type RunReport } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { z } from "zod";

interface Limits {
  readonly resource?: QuarantineLimits;
  readonly pipeline?: QuarantineLimits;
  readonly run?: QuarantineLimits;
}

/** A run of `count` rows of which every `every`th is refused. */
async function load(
  limits: Limits,
  { count = 1000, every = 10 } = {},
  memory = memoryDestination(),
): Promise<RunReport> {
  const rows = Array.from({ length: count }, (_, i) => ({ id: i % every === 0 ? "x" : i }));
  const items = resource({
    name: "items",
    schema: z.object({ id: z.int() }),
    contract: "quarantine",
    quarantine: limits.resource,
    read: () => [rows],
  } as never);
  const load = pipeline({
    name: "p",
    source: source("s", () => [items])() as never,
    destination: memory as never,
    quarantine: limits.pipeline,
  } as never);
  return (await load.run({ quarantine: limits.run })) as RunReport;
}

test("rows up to the limit are kept", async () => {
  const report = await load({ resource: { maxRows: 100, maxPercent: 10 } });
  expect(report.tables["items"]).toMatchObject({ rows: 900, quarantined: 100 });
});

test("more rows stop the run before its commit, and the error says what they were", async () => {
  const memory = memoryDestination();
  await expect(load({ resource: { maxRows: 99 } }, {}, memory)).rejects.toMatchObject({
    code: "ALV_QUARANTINE_LIMIT",
    resource: "items",
    message: expect.stringMatching(
      /100 of \d+ rows of items were refused.*maxRows: 99.*id is "x".*run\(\{ quarantine \}\)/s,
    ) as string,
  });
  expect(memory.store.tables.size).toBe(0);
});

test("more than the share stop it at its end, but not of a few rows", async () => {
  const memory = memoryDestination();
  await expect(load({ resource: { maxPercent: 9 } }, {}, memory)).rejects.toMatchObject({
    code: "ALV_QUARANTINE_LIMIT",
    message: expect.stringMatching(/100 of 1000 rows .*10\.0 %.*maxPercent: 9/s) as string,
  });
  expect(memory.store.tables.size).toBe(0);
  const few = { count: 99, every: 2 };
  await load({ resource: { maxPercent: 9 } }, few);
  await expect(load({ resource: { maxPercent: 9, minRows: 0 } }, few)).rejects.toMatchObject({
    code: "ALV_QUARANTINE_LIMIT",
  });
});

test("the run comes before the resource, and the resource before the pipeline", async () => {
  const over = { maxRows: 1 };
  const under = { maxRows: 1000 };
  await load({ pipeline: over, resource: under });
  await load({ pipeline: over, resource: over, run: under });
  for (const limits of [
    { pipeline: over },
    { pipeline: under, resource: over },
    { resource: under, run: over },
  ])
    await expect(load(limits)).rejects.toMatchObject({ code: "ALV_QUARANTINE_LIMIT" });
});

test("what is no limit is refused", async () => {
  for (const limits of [
    { resource: { maxPercent: 101 } },
    { pipeline: { maxRows: -1 } },
    { run: { max: 1 } as never },
  ])
    await expect(load(limits)).rejects.toMatchObject({ code: "ALV_CONFIG" });
});
