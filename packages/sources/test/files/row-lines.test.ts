import { expect, test } from "vitest";
import { createRowLines } from "../../src/files/text/row-lines.ts";

test("each row has its line, also where lines are left out, and batches begin anew", () => {
  const lines = createRowLines();
  const given = [[5, 6, 7], [8, 9], [11, 12, 15, 16], [17], [30], [31, 33, 35, 37]];
  for (const part of given) lines.add(Float64Array.from([...part, 0, 0]), part.length);
  lines.add(new Float64Array(2), 0);
  const all = given.flat();
  const lineOf = lines.take();
  lines.add(Float64Array.of(40, 41), 2);
  const next = lines.take();
  expect(all.map((_, row) => lineOf(row))).toEqual(all);
  expect([next(0), next(1)]).toEqual([40, 41]);
});
