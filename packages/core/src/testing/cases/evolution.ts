import { deepEqual } from "node:assert/strict";
import type { Capabilities } from "../../destination.ts";
import type { ColumnType } from "../../schema/types.ts";
import { changeBatch } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads } from "../suite-loads.ts";
import { openTarget, plans } from "../suite-session.ts";
import { float64, int32, int64, type One, string } from "./case.ts";

/** How tables follow their columns: in appends, and in merges where the destination can. */
export function evolutionCases(one: One, capabilities: Capabilities): readonly SuiteCase[] {
  const { storedType, widens, abilities } = capabilities;
  const kept = (type: ColumnType): boolean => storedType(type).kind === type.kind;
  const isWidened = kept(int32) && widens?.(storedType(int32), storedType(int64)) === true;
  const isFloat = kept(int32) && widens?.(storedType(int32), storedType(float64)) === true;
  return [
    one("a column that a load lacks is null in its rows and stays", async (target) => {
      const { load } = suiteLoads(target);
      const wide = batchOf({ id: [int64, [1n]], a: [string, ["a"]], b: [string, ["b"]] });
      const narrow = batchOf({ id: [int64, [2n]], a: [string, ["c"]] });
      await load(plans.append("t", wide.schema), wide);
      await load(plans.append("t", wide.schema), narrow);
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a", b: "b" },
          { id: 2n, a: "c", b: null },
        ],
        "nothing is dropped",
      );
    }),
    ...(storedType({ kind: "struct", fields: [{ name: "x", type: string, nullable: true }] }).kind ===
    "struct"
      ? [
          one("a member is added to a struct", async (target) => {
            const { load } = suiteLoads(target);
            const struct = (...names: readonly string[]): ColumnType => ({
              kind: "struct",
              fields: names.map((name) => ({ name, type: string, nullable: true })),
            });
            const before = batchOf({ id: [int64, [1n]], s: [struct("x"), [{ x: "a" }]] });
            const after = batchOf({ id: [int64, [2n]], s: [struct("x", "y"), [{ x: "b", y: "c" }]] });
            await load(plans.append("t", before.schema), before);
            await load(plans.append("t", after.schema), after);
            await using session = await openTarget(target);
            const table = await session.describe("t");
            const type = table?.schema.fields.find(({ name }) => name === "s")?.type;
            deepEqual(
              type?.kind === "struct" ? type.fields.map(({ name }) => name) : [],
              ["x", "y"],
              "describe names both members",
            );
            equalRows(
              (await target.read("t")).map(({ id, s }) => ({
                id,
                x: (s as { x: unknown }).x,
                y: (s as { y?: unknown }).y,
              })),
              [
                { id: 1n, x: "a", y: null },
                { id: 2n, x: "b", y: "c" },
              ],
              "older rows have null there",
            );
          }),
        ]
      : []),
    ...(isWidened
      ? [
          one("a committed integer column is widened in place", async (target) => {
            const { load } = suiteLoads(target);
            const small = batchOf({ id: [int64, [1n]], n: [int32, [2 ** 31 - 1]] });
            const large = batchOf({ id: [int64, [2n]], n: [int64, [2n ** 53n + 1n]] });
            await load(plans.append("t", small.schema), small);
            await load(plans.append("t", large.schema), large);
            equalRows(
              await target.read("t"),
              [
                { id: 1n, n: 2_147_483_647n },
                { id: 2n, n: 9_007_199_254_740_993n },
              ],
              "every value as it was",
            );
          }),
        ]
      : []),
    ...(isFloat
      ? [
          one("a committed integer column becomes one of floats in place", async (target) => {
            const { load } = suiteLoads(target);
            const whole = batchOf({ id: [int64, [1n]], n: [int32, [3]] });
            const fraction = batchOf({ id: [int64, [2n]], n: [float64, [2.5]] });
            await load(plans.append("t", whole.schema), whole);
            await load(plans.append("t", fraction.schema), fraction);
            equalRows(
              await target.read("t"),
              [
                { id: 1n, n: 3 },
                { id: 2n, n: 2.5 },
              ],
              "both rows",
            );
          }),
        ]
      : []),
    ...(abilities.includes("upsert") ? mergeEvolution(one, isWidened) : []),
  ];
}

function mergeEvolution(one: One, isWidened: boolean): readonly SuiteCase[] {
  return [
    one("upsert: columns are added within a load and in a later one", async (target) => {
      const { load } = suiteLoads(target);
      const first = batchOf({ id: [int64, [1n, 2n]], a: [string, ["a", "b"]] });
      const second = batchOf({ id: [int64, [2n, 3n]], a: [string, ["B", "c"]], n: [int32, [2, 3]] });
      const third = batchOf({ id: [int64, [1n]], a: [string, ["A"]], n: [int32, [1]], z: [string, ["z"]] });
      await load(plans.merge("t", first.schema, "upsert"), first, second);
      await load(plans.merge("t", third.schema, "upsert"), third);
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "A", n: 1, z: "z" },
          { id: 2n, a: "B", n: 2, z: null },
          { id: 3n, a: "c", n: 3, z: null },
        ],
        "rows that were not touched have nulls",
      );
    }),
    one("upsert: a partial row leaves columns alone that came after it", async (target) => {
      const { load } = suiteLoads(target);
      const whole = batchOf({ id: [int64, [1n]], a: [string, ["a"]], n: [string, ["stored"]] });
      const partial = changeBatch({ id: int64, a: string, b: string }, [
        { op: "update", row: { id: 1n, a: "A" }, partial: true },
      ]);
      await load(plans.merge("t", whole.schema, "upsert"), whole);
      await load(plans.merge("t", whole.schema, "upsert"), partial);
      equalRows(await target.read("t"), [{ id: 1n, a: "A", b: null, n: "stored" }], "n was not sent");
    }),
    one("upsert: a moved row is whole: a column that came after it is null", async (target) => {
      const { load } = suiteLoads(target);
      const stored = batchOf({ id: [int64, [1n, 2n]], a: [string, ["a", "b"]], n: [string, ["x", "y"]] });
      const moved = changeBatch({ id: int64, a: string }, [
        { op: "update", row: { id: 5n, a: "A" }, old: { id: 1n } },
      ]);
      const partial = changeBatch(
        { id: int64, a: string },
        [{ op: "update", row: { id: 2n, a: "B" }, partial: true }],
        1n,
      );
      const plan = plans.merge("t", stored.schema, "upsert");
      const later = batchOf({ id: [int64, [9n]], a: [string, ["z"]], n: [string, ["z"]] });
      await load(plan, stored);
      await load(plan, moved, partial, later);
      equalRows(
        await target.read("t"),
        [
          { id: 5n, a: "A", n: null },
          { id: 2n, a: "B", n: "y" },
          { id: 9n, a: "z", n: "z" },
        ],
        "the partial row keeps it",
      );
    }),
    one("upsert: a column that was unknown is bound by a merge", async (target) => {
      const { load } = suiteLoads(target);
      const unknown = batchOf({ id: [int64, [1n, 2n]], a: [{ kind: "null" }, [null, null]] });
      const known = batchOf({ id: [int64, [2n]], a: [string, ["b"]] });
      await load(plans.merge("t", unknown.schema, "upsert"), unknown);
      await load(plans.merge("t", known.schema, "upsert"), known);
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: null },
          { id: 2n, a: "b" },
        ],
        "the first value says its type",
      );
    }),
    ...(isWidened
      ? [
          one("upsert: keys and values of wider types meet those that are stored", async (target) => {
            const { load } = suiteLoads(target);
            const small = batchOf({ id: [int32, [1, 2]], n: [int32, [1, 2]] });
            const large = batchOf({ id: [int64, [2n, 2n ** 40n]], n: [int64, [2n ** 40n, 4n]] });
            await load(plans.merge("t", small.schema, "upsert"), small);
            await load(plans.merge("t", large.schema, "upsert"), large);
            equalRows(
              await target.read("t"),
              [
                { id: 1n, n: 1n },
                { id: 2n, n: 1_099_511_627_776n },
                { id: 1_099_511_627_776n, n: 4n },
              ],
              "key 2 is the same key",
            );
          }),
        ]
      : []),
  ];
}
