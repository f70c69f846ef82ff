import { expect, test } from "vitest";
import { killAgainAndAgain } from "./kill.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000);

test("runs that are killed at random moments leave every row once", { timeout: 120_000 }, async () => {
  expect(await killAgainAndAgain(5, seed), `seed ${seed}`).toBeGreaterThan(5);
});
