import { expect, inject, test } from "vitest";
import { killAgainAndAgain, type KillReport } from "./kill.ts";
import { ownDatabase } from "../database.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000);

async function killed(kills: number, pairs: boolean): Promise<KillReport> {
  await using database = await ownDatabase(inject("pgUrl"));
  const report = await killAgainAndAgain({ url: database.url, kills, seed, pairs });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  return report;
}

test("a run that is killed a few times at random moments leaves every row once", async () => {
  const report = await killed(6, false);
  expect(report.differences, `seed ${seed}`).toEqual([]);
  expect(report.loads).toBeGreaterThan(15);
}, 300_000);

test("two runs at once, both killed at random moments, leave every row once", async () => {
  const report = await killed(4, true);
  expect(report.differences, `seed ${seed}`).toEqual([]);
  expect(report.loads).toBeGreaterThan(5);
}, 300_000);
