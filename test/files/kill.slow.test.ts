import { expect, test } from "vitest";
import { killInside } from "./kill.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000);

test(`runs that are killed inside a gzip file of 2 GB leave each of its rows once (seed ${seed})`, async () => {
  const report = await killInside({
    bytes: 2_000_000_000,
    kills: 12,
    longest: 60_000,
    checkpointBytes: 64 * 1024 * 1024,
    seed,
  });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  expect(report).toMatchObject({ found: report.rows, wrong: 0 });
  expect(report.loads).toBeGreaterThan(10);
}, 3_600_000);
