import { test } from "vitest";
import { killAgainAndAgain } from "./kill.ts";

test("runs that are killed at random moments leave every row once", { timeout: 120_000 }, () =>
  killAgainAndAgain(5, Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000)),
);
