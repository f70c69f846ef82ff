import { test } from "vitest";
import { killAgainAndAgain } from "./kill.ts";

test("runs that are killed hundreds of times at random moments leave every row once", () =>
  killAgainAndAgain(200, Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 1_000_000)));
