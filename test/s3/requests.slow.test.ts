import { expect, test } from "vitest";
import { requestsOfAppend } from "./many-files.ts";

test(
  "an append to a table of a million files asks as little of its log",
  { timeout: 1_800_000 },
  async () => {
    const { checkpointBytes, reads, opening, version } = await requestsOfAppend(1_000_000);
    expect(checkpointBytes).toBeGreaterThan(50_000);
    // Three openings of four requests each.
    expect(reads.length).toBeLessThanOrEqual(12);
    expect(reads.filter(({ operation }) => operation === "GetObject").length).toBeGreaterThan(0);
    expect(
      reads.some(({ key }) => key.endsWith(".parquet")),
      "the checkpoint is not read",
    ).toBe(false);
    expect(reads.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(32 * 1024);
    expect(version).toBe(13);
    expect(opening).toBeLessThanOrEqual(8);
  },
);
