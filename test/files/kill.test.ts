import { expect, test } from "vitest";
import { killInside } from "./kill.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000);

test(`runs that are killed inside a compressed file leave each of its rows once (seed ${seed})`, async () => {
  const report = await killInside({
    bytes: 24_000_000,
    kills: 3,
    longest: 2_500,
    checkpointBytes: 2_000_000,
    seed,
  });
  expect(report).toMatchObject({ found: report.rows, wrong: 0 });
  expect(report.loads).toBeGreaterThan(3);
}, 300_000);
