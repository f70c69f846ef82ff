import { test } from "vitest";
import { expectFewRequests } from "./many-files.ts";

test("an append to a table of 20,000 files asks little of its log", { timeout: 120_000 }, async () => {
  await expectFewRequests(20_000);
});
