import { expect, test } from "vitest";
import { killAgainAndAgain } from "./kill.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000);

test("runs that are killed hundreds of times at random moments leave every row once", async () => {
  expect(await killAgainAndAgain(200, seed), `seed ${seed}`).toBeGreaterThan(300);
});
