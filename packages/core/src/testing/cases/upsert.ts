import { deepEqual } from "node:assert/strict";
import { changeBatch, type ChangeSpelling } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { refused, suiteLoads } from "../suite-loads.ts";
import { plans, type Rows } from "../suite-session.ts";
import type { MergeOptions } from "../../disposition.ts";
import { boolean, int32, int64, type One, string } from "./case.ts";

const columns = { id: int64, a: string, b: string };
const rows = (...values: readonly (readonly [bigint, string | null, string | null])[]): Rows =>
  values.map(([id, a, b]) => ({ id, a, b }));
const whole = (...values: readonly (readonly [bigint, string | null, string | null])[]) =>
  batchOf({
    id: [int64, values.map(([id]) => id)],
    a: [string, values.map(([, a]) => a)],
    b: [string, values.map(([, , b]) => b)],
  });
const plan = plans.merge("t", whole().schema, "upsert");

/** What an upsert makes of rows and changes. */
export function upsertCases(one: One): readonly SuiteCase[] {
  /** Loads rows, then changes, and compares. */
  const changes = (
    name: string,
    before: Rows,
    load: readonly ChangeSpelling[],
    after: Rows,
    counts?: readonly [inserted: number, updated: number, deleted: number],
  ): SuiteCase =>
    one(`upsert: ${name}`, async (target) => {
      const { load: run } = suiteLoads(target);
      await run(plan, batchOfRows(before));
      const receipt = await run(plan, changeBatch(columns, load));
      equalRows(await target.read("t"), after, "the table after the load");
      const { changed } = receipt ?? {};
      if (changed !== undefined && counts !== undefined)
        deepEqual([changed.inserted, changed.updated, changed.deleted], counts, "the receipt counts rows");
    });
  const batchOfRows = (given: Rows) =>
    whole(...given.map(({ id, a, b }) => [id as bigint, a as string, b as string] as const));
  const update = (row: Record<string, unknown>, old?: Record<string, unknown>): ChangeSpelling => ({
    op: "update",
    row,
    ...(old && { old }),
  });

  const ordered = { id: int64, at: int32, a: string, gone: boolean };
  const orderedBatch = (...values: readonly (readonly [bigint, number | null, string, boolean?])[]) =>
    batchOf({
      id: [int64, values.map(([id]) => id)],
      at: [int32, values.map(([, at]) => at)],
      a: [string, values.map(([, , a]) => a)],
      gone: [boolean, values.map(([, , , gone = false]) => gone)],
    });
  const orderedPlan = (merge: MergeOptions) => plans.merge("t", orderedBatch().schema, "upsert", merge);

  return [
    one("upsert: rows take the place of those with their key, others are added", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, whole([1n, "a", "x"], [2n, "b", null]));
      const receipt = await load(plan, whole([2n, "c", "y"], [3n, null, null]));
      equalRows(await target.read("t"), rows([1n, "a", "x"], [2n, "c", "y"], [3n, null, null]), "all of it");
      const { changed } = receipt ?? {};
      if (changed !== undefined)
        deepEqual({ ...changed }, { inserted: 1, updated: 1, deleted: 0 }, "the receipt counts rows");
    }),
    one(
      "upsert: of several rows of a key in a load the last one stays, in one batch and in several",
      async (target) => {
        const { load } = suiteLoads(target);
        await load(
          plan,
          whole([1n, "a", "x"], [1n, "b", null], [2n, "p", "p"]),
          whole([2n, "q", null], [1n, "c", "z"]),
        );
        equalRows(
          await target.read("t"),
          rows([1n, "c", "z"], [2n, "q", null]),
          "one row a key, in a new table",
        );
        await load(plan, whole([1n, "d", null], [1n, null, "e"]));
        equalRows(await target.read("t"), rows([1n, null, "e"], [2n, "q", null]), "and in one that stands");
      },
    ),
    one("upsert: composite keys", async (target) => {
      const { load } = suiteLoads(target);
      const batch = (...values: readonly (readonly [bigint, number, string])[]) =>
        batchOf({
          id: [int64, values.map(([id]) => id)],
          line: [int32, values.map(([, line]) => line)],
          a: [string, values.map(([, , a]) => a)],
        });
      const pair = plans.merge("t", batch().schema, "upsert", { primaryKey: ["id", "line"] });
      await load(pair, batch([1n, 1, "a"], [1n, 2, "b"], [2n, 1, "c"]));
      await load(pair, batch([1n, 2, "B"], [2n, 2, "d"]));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, line: 1, a: "a" },
          { id: 1n, line: 2, a: "B" },
          { id: 2n, line: 1, a: "c" },
          { id: 2n, line: 2, a: "d" },
        ],
        "both columns tell rows apart",
      );
    }),
    one("upsert: keys of text, with quotes, spaces and letters of any script", async (target) => {
      const { load } = suiteLoads(target);
      const batch = (keys: readonly string[], a: string) =>
        batchOf({ id: [string, keys], a: [string, keys.map(() => a)] });
      const text = plans.merge("t", batch([], "").schema, "upsert");
      const keys = ["", " ", "a", "A", "it's", '"q"', "ä", "\u{1F980}", "a\\b", "%", "null"];
      await load(text, batch(keys, "old"));
      await load(text, batch(keys.slice(1), "new"));
      equalRows(
        await target.read("t"),
        keys.map((id, i) => ({ id, a: i === 0 ? "old" : "new" })),
        "each key by itself",
      );
    }),
    changes(
      "changes of a key take effect in the order of their ordinals, also where batches are not",
      rows([1n, "a", "x"], [2n, "b", "y"]),
      [
        { op: "update", row: { id: 1n, a: "last" }, ordinal: 9n },
        { op: "update", row: { id: 1n, a: "first" }, ordinal: 3n },
        { op: "delete", row: { id: 2n }, ordinal: 5n },
        { op: "insert", row: { id: 2n, a: "early" }, ordinal: 4n },
      ],
      rows([1n, "last", null]),
      [0, 1, 1],
    ),
    changes(
      "insert and delete is a delete, delete and insert is the whole new row, a delete of nothing is nothing",
      rows([1n, "a", "x"], [2n, "b", "y"]),
      [
        { row: { id: 3n, a: "c" } },
        { op: "delete", row: { id: 3n } },
        { op: "delete", row: { id: 1n } },
        { row: { id: 1n, a: "A" } },
        { op: "delete", row: { id: 2n } },
        { op: "delete", row: { id: 9n } },
      ],
      rows([1n, "A", null]),
      [0, 1, 1],
    ),
    changes(
      "an update of a key that is not there adds its row",
      rows(),
      [update({ id: 1n, a: "a", b: "b" })],
      rows([1n, "a", "b"]),
    ),
    changes(
      "a moved key leaves no row behind",
      rows([1n, "a", "x"], [2n, "b", "y"]),
      [update({ id: 5n, a: "a", b: "x" }, { id: 1n }), update({ id: 6n, a: "b" }, { id: 2n })],
      rows([5n, "a", "x"], [6n, "b", null]),
    ),
    changes(
      "keys are swapped in one load, at once and by way of a third",
      rows([1n, "a", "x"], [2n, "b", "y"], [3n, "c", "z"], [4n, "d", "w"]),
      [
        update({ id: 2n, a: "a", b: "x" }, { id: 1n }),
        update({ id: 1n, a: "b", b: "y" }, { id: 2n }),
        update({ id: 99n, a: "c", b: "z" }, { id: 3n }),
        update({ id: 3n, a: "d", b: "w" }, { id: 4n }),
        update({ id: 4n, a: "c", b: "z" }, { id: 99n }),
      ],
      rows([2n, "a", "x"], [1n, "b", "y"], [4n, "c", "z"], [3n, "d", "w"]),
    ),
    changes(
      "keys are shifted by one, in either order",
      rows([1n, "a", "x"], [2n, "b", "y"], [3n, "c", "z"]),
      [
        update({ id: 2n, a: "a", b: "x" }, { id: 1n }),
        update({ id: 3n, a: "b", b: "y" }, { id: 2n }),
        update({ id: 4n, a: "c", b: "z" }, { id: 3n }),
      ],
      rows([2n, "a", "x"], [3n, "b", "y"], [4n, "c", "z"]),
    ),
    changes(
      "a row that moves on and on is there once",
      rows([1n, "a", "x"]),
      [
        update({ id: 2n, a: "a", b: "x" }, { id: 1n }),
        update({ id: 3n, a: "a", b: "x" }, { id: 2n }),
        update({ id: 1n, a: "back", b: "x" }, { id: 3n }),
      ],
      rows([1n, "back", "x"]),
    ),
    changes(
      "cells that were not sent keep what the stored row has, and parts combine",
      rows([1n, "a", "x"], [2n, "b", "y"], [3n, "c", "z"]),
      [
        { op: "update", row: { id: 1n, a: "A" }, partial: true },
        { op: "update", row: { id: 2n, a: "B" }, partial: true },
        { op: "update", row: { id: 2n, b: "Y" }, partial: true },
        { op: "update", row: { id: 3n, b: null }, partial: true },
      ],
      rows([1n, "A", "x"], [2n, "B", "Y"], [3n, "c", null]),
      [0, 3, 0],
    ),
    changes(
      "a partial row after a whole one, after a delete, and of a key that is not there",
      rows([1n, "a", "x"], [2n, "b", "y"]),
      [
        { row: { id: 1n, a: "whole" } },
        { op: "update", row: { id: 1n, b: "part" }, partial: true },
        { op: "delete", row: { id: 2n } },
        { op: "insert", row: { id: 2n, a: "again" }, partial: true },
        { op: "insert", row: { id: 3n, b: "new" }, partial: true },
      ],
      rows([1n, "whole", "part"], [2n, "again", null], [3n, null, "new"]),
    ),
    changes(
      "cells of a moved row that were not sent come from its old key, swapped ones too",
      rows([1n, "a", "x"], [2n, "b", "y"], [3n, "c", "z"]),
      [
        { op: "update", row: { id: 2n, a: "A" }, old: { id: 1n }, partial: true },
        { op: "update", row: { id: 1n, a: "B" }, old: { id: 2n }, partial: true },
        { op: "update", row: { id: 7n }, old: { id: 3n }, partial: true },
      ],
      rows([2n, "A", "x"], [1n, "B", "y"], [7n, "c", "z"]),
    ),
    one(
      "upsert: an update of which cells are missing fails where there is no row to keep them, and harms nothing",
      async (target) => {
        const loads = suiteLoads(target);
        await loads.load(plan, whole([1n, "a", "x"]));
        await refused(
          loads.load(
            plan,
            changeBatch(columns, [
              { row: { id: 3n, a: "c" } },
              { op: "update", row: { id: 2n, a: "b" }, partial: true },
            ]),
          ),
          "ALV_ROW_INVALID",
        );
        equalRows(await target.read("t"), rows([1n, "a", "x"]), "nothing of the load is there");
      },
    ),
    changes(
      "a truncate takes away what is there at that moment",
      rows([1n, "a", "x"], [2n, "b", "y"]),
      [
        { row: { id: 3n, a: "before" } },
        { op: "truncate" },
        { row: { id: 2n, a: "after" } },
        { row: { id: 4n, a: "after" } },
      ],
      rows([2n, "after", null], [4n, "after", null]),
    ),
    changes("a truncate alone empties the table", rows([1n, "a", "x"]), [{ op: "truncate" }], rows()),
    one(
      "upsert: a row with a greater value in the order column stays, stored or in the load, and replays change nothing",
      async (target) => {
        const { load } = suiteLoads(target);
        const by = orderedPlan({ orderBy: "at" });
        const first = orderedBatch([1n, 5, "five"], [1n, 3, "three"], [2n, null, "null"], [3n, 1, "one"]);
        await load(by, first);
        const expected = [
          { id: 1n, at: 7, a: "seven" },
          { id: 2n, at: 0, a: "zero" },
          { id: 3n, at: 1, a: "one again" },
        ];
        await load(
          by,
          orderedBatch([1n, 7, "seven"], [2n, 0, "zero"], [3n, 0, "zero"], [3n, 1, "one again"]),
        );
        equalRows(await target.read("t"), expected, "the greatest, of equal ones the last");
        await load(
          by,
          orderedBatch([1n, 5, "five"], [1n, 3, "three"], [2n, null, "null"], [3n, null, "null"]),
        );
        equalRows(await target.read("t"), expected, "an earlier load that is loaded again");
      },
    ),
    one(
      "upsert: rows with a delete flag delete, by their order too, and leave no rows of their own",
      async (target) => {
        const { load } = suiteLoads(target);
        const by = orderedPlan({ orderBy: "at", deleteFlag: "gone" });
        await load(by, orderedBatch([1n, 1, "a"], [2n, 5, "b"], [3n, 1, "c"]));
        await load(
          by,
          orderedBatch(
            [1n, 2, "a", true],
            [2n, 4, "b", true],
            [3n, 2, "c", true],
            [3n, 3, "again"],
            [8n, 1, "never there", true],
            [9n, 2, "gone", true],
            [9n, 1, "late"],
          ),
        );
        equalRows(
          await target.read("t"),
          [
            { id: 2n, at: 5, a: "b" },
            { id: 3n, at: 3, a: "again" },
          ],
          "deletes with greater values took effect",
        );
      },
    ),
    one("upsert: deletes by key take effect whatever the order column holds", async (target) => {
      const { load } = suiteLoads(target);
      const by = orderedPlan({ orderBy: "at" });
      await load(by, orderedBatch([1n, 5, "a"], [2n, 5, "b"]));
      await load(
        by,
        changeBatch(ordered, [
          { op: "delete", row: { id: 1n } },
          { op: "delete", row: { id: 2n } },
          { row: { id: 2n, at: 1, a: "anew" } },
        ]),
      );
      equalRows(
        await target.read("t"),
        [{ id: 2n, at: 1, a: "anew" }],
        "rows after a delete are compared with nothing",
      );
    }),
    one("upsert: partial rows are compared by their order one by one", async (target) => {
      const { load } = suiteLoads(target);
      const by = orderedPlan({ orderBy: "at" });
      await load(by, orderedBatch([1n, 6, "six"], [2n, 6, "six"]));
      await load(
        by,
        changeBatch(ordered, [
          { op: "update", row: { id: 1n, at: 5, a: "five" }, partial: true },
          { op: "update", row: { id: 1n, at: 7, gone: true }, partial: true },
          { op: "update", row: { id: 2n, a: "no value" }, partial: true },
        ]),
      );
      equalRows(
        await target.read("t"),
        [
          { id: 1n, at: 7, a: "six", gone: true },
          { id: 2n, at: 6, a: "no value", gone: false },
        ],
        "one is older, one newer, one has the stored row's value",
      );
    }),
    one("upsert: null in a key is refused, and nothing is harmed", async (target) => {
      const loads = suiteLoads(target);
      await loads.load(plan, whole([1n, "a", "x"]));
      await refused(
        loads.load(
          plan,
          batchOf({ id: [int64, [2n, null]], a: [string, ["b", "c"]], b: [string, [null, null]] }),
        ),
        "ALV_ROW_INVALID",
      );
      equalRows(await target.read("t"), rows([1n, "a", "x"]), "nothing of the load is there");
    }),
  ];
}
