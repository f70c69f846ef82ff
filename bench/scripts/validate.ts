import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { pipeline, resource, source } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { flatRows, type Flat } from "../objects.ts";

// Validation of flat objects by zod: `validate.ts alone|load ROWS`. `load` gives what a load costs more with the schema than without, medians of 5 in turn.
const [how, count] = [process.argv[2], Number(process.argv[3])];
const distinct = Math.min(count, 100_000);
const rows = flatRows(distinct);
const pages = Array.from({ length: Math.ceil(distinct / 1000) }, (_, i) =>
  rows.slice(i * 1000, (i + 1) * 1000),
);
const schema = z.object({
  id: z.int(),
  name: z.string(),
  email: z.string(),
  country: z.string(),
  amount: z.number(),
  quantity: z.int(),
  active: z.boolean(),
  created_at: z.date(),
  note: z.string().nullable(),
  score: z.number(),
});

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

function median(costs: readonly Cost[], which: keyof Cost): number {
  return costs.map((cost) => cost[which]).toSorted((a, b) => a - b)[costs.length >> 1]!;
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - started) / 1000, cpu: (used.user + used.system) / 1e6 };
}

async function load(validate: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
  try {
    const items = resource({
      name: "items",
      schema,
      validate,
      async *read(): AsyncGenerator<Flat[]> {
        for (let done = 0; done < count; done += distinct) yield* pages;
      },
    });
    const destination = delta({ url: folder });
    await pipeline({ name: "bench", source: source("objects", () => [items])(), destination }).run();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function alone(): Promise<void> {
  const { validate } = schema["~standard"];
  for (let done = 0; done < count; done += distinct)
    for (const row of rows) {
      const checked = validate(row);
      if (checked instanceof Promise || checked.issues) throw new Error("it does not fit");
    }
}

let cost: Cost;
if (how === "load") {
  await load(true);
  const without: Cost[] = [];
  const withSchema: Cost[] = [];
  for (let i = 0; i < 5; i++) {
    without.push(await costOf(() => load(false)));
    withSchema.push(await costOf(() => load(true)));
  }
  cost = {
    wall: median(withSchema, "wall") - median(without, "wall"),
    cpu: median(withSchema, "cpu") - median(without, "cpu"),
  };
} else {
  await alone();
  cost = await costOf(alone);
}
process.stdout.write(`${JSON.stringify({ rows: count, wall_s: cost.wall, cpu_s: cost.cpu })}\n`);
