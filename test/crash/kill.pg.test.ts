import { expect, inject, test } from "vitest";
import { killAgainAndAgain } from "./kill.ts";
import { ownDatabase } from "../database.ts";

test("a run that is killed a few times at random moments leaves every row once", async () => {
  const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000);
  await using database = await ownDatabase(inject("pgUrl"));
  const report = await killAgainAndAgain({ url: database.url, kills: 6, seed });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  expect(report.differences, `seed ${seed}`).toEqual([]);
  expect(report.rows["events"]).toBeGreaterThan(5_000);
}, 120_000);
