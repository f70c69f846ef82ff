import { expect, test } from "vitest";
import { pipeline, range, resource, source, unique, type ObjectStore, type Pipeline } from "@alluvium/core";
import { deltaLake } from "../crash/lakes.ts";
import { atOnce, readPages, seed, stopAtSteps, stride } from "../crash/stopped.ts";

/** Of the three rows of a page one is bad. */
const pages = [0, 1, 2, 3].map((page) => [
  { id: 3 * page, value: 1 },
  { id: 3 * page + 1, value: -1 },
  { id: 3 * page + 2, value: 2 },
]);

function readings(store: ObjectStore, disposition: "append" | "replace"): Pipeline {
  const rows = resource({
    name: "readings",
    disposition,
    checks: [range("value", { min: 0 }, { severity: "quarantine" }), unique("id")],
    read: readPages(pages),
  });
  return pipeline({
    name: "readings",
    source: source("readings", () => [rows])(),
    destination: deltaLake.destination(store),
    leaseWait: 0,
  });
}

for (const disposition of ["append", "replace"] as const)
  test(
    `stopped at a step of a load into Delta, each row, refused row and result is there once: ${disposition} (seed ${seed}, stride ${stride})`,
    { timeout: 300_000 },
    async () => {
      const steps = await stopAtSteps({
        run: (store) => readings(store, disposition).run(atOnce),
        async check(disk, step) {
          const report = await readings(disk, disposition).run(atOnce);
          expect(report.tables["readings"]!.checks.find(({ name }) => name === "unique(id)")).toMatchObject({
            passed: true,
            rows: 8,
          });
          const ids = async (table: string, column: string): Promise<readonly number[]> =>
            (await deltaLake.read(disk, table)).map((row) => Number(row[column])).toSorted((a, b) => a - b);
          expect(await ids("readings", "id"), `rows after step ${step}`).toEqual([0, 2, 3, 5, 6, 8, 9, 11]);
          const refused = await deltaLake.read(disk, "readings__quarantine");
          expect(refused).toHaveLength(4);
          const results = await deltaLake.read(disk, "_alv_checks");
          const ranges = results.filter((row) => row["check_name"] === "range(value)");
          // Results stand beside the rows that they are about: as many as were refused, in the same loads.
          const failed = ranges.filter((row) => Number(row["failed_rows"]) > 0);
          const sum = failed.reduce((all, row) => all + Number(row["failed_rows"]), 0);
          const newest = new Set(refused.map((row) => row["_alv_load_id"]));
          expect(failed.filter((row) => newest.has(row["load_id"]))).toHaveLength(newest.size);
          // A set that was committed before the stop is replaced by the next run's, with results of its own.
          expect(disposition === "append" ? [4] : [4, 8], `results after step ${step}`).toContain(sum);
          const keys = results.map((row) => `${String(row["load_id"])} ${String(row["check_name"])}`);
          expect(new Set(keys).size).toBe(keys.length);
        },
      });
      expect(steps).toBeGreaterThan(20);
    },
  );
