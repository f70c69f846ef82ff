import { test } from "vitest";
import { expectFewRequests } from "./many-files.ts";

test(
  "an append to a table of a million files asks as little of its log",
  { timeout: 1_800_000 },
  async () => {
    await expectFewRequests(1_000_000);
  },
);
