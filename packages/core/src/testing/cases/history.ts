import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { changeBatch, type ChangeSpelling } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads, versionsOf } from "../suite-loads.ts";
import { openTarget, plans, stateAt, type Rows } from "../suite-session.ts";
import { validityColumns, type Validity } from "../../disposition.ts";
import { hasCode, int32, int64, type One, string } from "./case.ts";

type Row = readonly [id: bigint, a: string | null];
const columns = { id: int64, a: string };
const batch = (...values: readonly Row[]) =>
  batchOf({ id: [int64, values.map(([id]) => id)], a: [string, values.map(([, a]) => a)] });
const active = (...values: readonly Row[]): Rows =>
  values.map(([id, a]) => ({ id, a, began: true, ended: false, active: true }));
const ended = (...values: readonly Row[]): Rows =>
  values.map(([id, a]) => ({ id, a, began: true, ended: true, active: false }));
const validity: Validity = { ...validityColumns, retireAbsent: false };

/** A time that a reader gives, in µs since 1970: text, `Date`, or a number of µs. */
function micros(time: unknown): number {
  if (time instanceof Date) return time.getTime() * 1000;
  if (typeof time !== "string") return Number(time);
  const zoned = /(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(time) ? time.replace(/([+-]\d\d)$/, "$1:00") : `${time}Z`;
  return Date.parse(zoned.replace(" ", "T")) * 1000;
}

/** What `scd2` does. */
export function historyCases(one: One): readonly SuiteCase[] {
  const plan = plans.merge("t", batch().schema, "scd2");
  const history = (
    name: string,
    before: readonly Row[],
    load: readonly ChangeSpelling[],
    after: Rows,
    counts?: readonly [inserted: number, updated: number, deleted: number],
  ): SuiteCase =>
    one(`scd2: ${name}`, async (target) => {
      const { load: run } = suiteLoads(target);
      await run(plan, batch(...before));
      const receipt = await run(plan, changeBatch(columns, load));
      equalRows(versionsOf(await target.read("t")), after, "the versions after the load");
      const { changed } = receipt ?? {};
      if (changed !== undefined && counts !== undefined)
        deepEqual(
          [changed.inserted, changed.updated, changed.deleted],
          counts,
          "the receipt counts versions",
        );
    });
  return [
    one(
      "scd2: a row that differs ends its key's version and begins one, an equal one changes nothing",
      async (target) => {
        const { load } = suiteLoads(target);
        await load(plan, batch([1n, "a"], [2n, "b"], [3n, null]));
        const receipt = await load(plan, batch([1n, "a"], [2n, "B"], [3n, null], [4n, "d"]));
        const rows = await target.read("t");
        equalRows(
          versionsOf(rows),
          [...active([1n, "a"], [2n, "B"], [3n, null], [4n, "d"]), ...ended([2n, "b"])],
          "the versions",
        );
        const [before, now] = ["b", "B"].map((a) => rows.find((row) => row["a"] === a)!);
        equal(
          micros(before!["_alv_valid_to"]),
          micros(now!["_alv_valid_from"]),
          "one ends when the other begins",
        );
        ok(micros(now!["_alv_valid_from"]) >= micros(before!["_alv_valid_from"]), "and time goes on");
        const { changed } = receipt ?? {};
        if (changed !== undefined)
          deepEqual({ ...changed }, { inserted: 2, updated: 1, deleted: 0 }, "the receipt counts versions");
        await using session = await openTarget(target);
        deepEqual(
          (await session.describe("t"))?.schema.fields.map(({ name }) => name).sort(),
          ["_alv_active", "_alv_valid_from", "_alv_valid_to", "a", "id"],
          "describe names the validity columns too",
        );
      },
    ),
    history(
      "a delete ends the version, and a key that comes again begins a new one, whatever it holds",
      [
        [1n, "a"],
        [2n, "b"],
      ],
      [
        { op: "delete", row: { id: 1n } },
        { op: "delete", row: { id: 2n } },
        { row: { id: 2n, a: "b" } },
        { op: "delete", row: { id: 9n } },
      ],
      [...ended([1n, "a"], [2n, "b"]), ...active([2n, "b"])],
      [1, 0, 2],
    ),
    one("scd2: re-insertion in a later load", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, batch([1n, "a"]));
      await load(plan, changeBatch(columns, [{ op: "delete", row: { id: 1n } }]));
      await load(plan, batch([1n, "a"]));
      equalRows(
        versionsOf(await target.read("t")),
        [...ended([1n, "a"]), ...active([1n, "a"])],
        "a gap stays a gap",
      );
    }),
    history(
      "every version within a load is kept, in order, and identical duplicates are one",
      [[1n, "a"]],
      [
        { row: { id: 1n, a: "b" } },
        { row: { id: 1n, a: "b" } },
        { row: { id: 1n, a: "c" } },
        { row: { id: 2n, a: "x" } },
        { row: { id: 2n, a: "y" } },
        { op: "delete", row: { id: 2n } },
      ],
      [...ended([1n, "a"], [1n, "b"], [2n, "x"], [2n, "y"]), ...active([1n, "c"])],
      [4, 3, 1],
    ),
    one("scd2: identical duplicate rows in the first load are one version", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, batch([1n, "a"], [1n, "a"]), batch([1n, "a"]));
      equalRows(versionsOf(await target.read("t")), active([1n, "a"]), "one active version");
    }),
    one("scd2: a column that is new and always null makes no version", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, batch([1n, "a"], [2n, "b"]));
      const wide = batchOf({ id: [int64, [1n, 2n]], a: [string, ["a", "b"]], note: [string, [null, "n"]] });
      await load(plans.merge("t", wide.schema, "scd2"), wide);
      equalRows(
        versionsOf(await target.read("t")).map((row) => ({ ...row, note: row["note"] ?? null })),
        [
          { ...active([1n, "a"])[0], note: null },
          { ...ended([2n, "b"])[0], note: null },
          { ...active([2n, "b"])[0], note: "n" },
        ],
        "only the row that has a value there changed",
      );
    }),
    history(
      "moved keys end under the old key and begin under the new one, and partial rows are laid over the active version",
      [
        [1n, "a"],
        [2n, "b"],
      ],
      [
        { op: "update", row: { id: 5n, a: "a" }, old: { id: 1n } },
        { op: "update", row: { id: 2n }, partial: true },
      ],
      [...ended([1n, "a"]), ...active([5n, "a"], [2n, "b"])],
      [1, 0, 1],
    ),
    history(
      "a truncate ends every active version",
      [
        [1n, "a"],
        [2n, "b"],
      ],
      [{ op: "truncate" }, { row: { id: 2n, a: "b" } }],
      [...ended([1n, "a"], [2n, "b"]), ...active([2n, "b"])],
      [1, 0, 2],
    ),
    one("scd2: keys that are absent stay active unless their retirement is asked for", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, batch([1n, "a"], [2n, "b"]));
      await load(plan, batch([1n, "a"]));
      equalRows(versionsOf(await target.read("t")), active([1n, "a"], [2n, "b"]), "nobody asked");
      const retiring = plans.merge("t", batch().schema, "scd2", {
        validity: { ...validity, retireAbsent: true },
      });
      const receipt = await load(retiring, batch([1n, "a"]));
      equalRows(
        versionsOf(await target.read("t")),
        [...active([1n, "a"]), ...ended([2n, "b"])],
        "then they end",
      );
      if (receipt?.changed !== undefined) equal(receipt.changed.deleted, 1, "the receipt counts it");
    }),
    one("scd2: absent keys are retired once, at the end of all that was read", async (target) => {
      const retiring = plans.merge("t", batch().schema, "scd2", {
        validity: { ...validity, retireAbsent: true },
      });
      await suiteLoads(target).load(retiring, batch([1n, "a"], [2n, "b"], [3n, "c"]));
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [retiring]));
      await first.write("t", batch([1n, "A"]));
      await first.mark("t", { seal: true, end: false });
      await first.commit(stateAt(1, first.loadId));
      equalRows(
        versionsOf(await target.read("t")),
        active([1n, "a"], [2n, "b"], [3n, "c"]),
        "nothing before the end",
      );
      const second = await session.begin(plans("b", [retiring]));
      await second.write("t", batch([2n, "b"]));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(2, second.loadId));
      equalRows(
        versionsOf(await target.read("t")),
        [...active([1n, "A"], [2n, "b"]), ...ended([1n, "a"], [3n, "c"])],
        "key 1 came in the first load of the read, so it stays",
      );
    }),
    one("scd2: versions begin at the time in a column", async (target) => {
      const timestamp = { kind: "timestamp", zone: "utc" } as const;
      const made = (...values: readonly (readonly [bigint, string, string | null])[]) =>
        batchOf({
          id: [int64, values.map(([id]) => id)],
          a: [string, values.map(([, a]) => a)],
          since: [timestamp, values.map(([, , since]) => since)],
        });
      const own = plans.merge("t", made().schema, "scd2", {
        validity: { ...validity, boundary: { column: "since" } },
      });
      const { load } = suiteLoads(target);
      await load(own, made([1n, "a", "2020-01-01T00:00:00Z"]));
      await load(own, made([1n, "b", "2021-01-01T00:00:00Z"], [1n, "c", "2022-01-01T00:00:00Z"]));
      await load(own, made([1n, "d", "2021-06-01T00:00:00Z"]));
      const times = (await target.read("t")).map((row) => [
        row["a"],
        micros(row["_alv_valid_from"]) / 1000,
        row["_alv_valid_to"] === null ? null : micros(row["_alv_valid_to"]) / 1000,
      ]);
      const year = (y: number): number => Date.UTC(y, 0, 1);
      deepEqual(
        times.sort(([left], [right]) => String(left).localeCompare(String(right))),
        [
          ["a", year(2020), year(2021)],
          ["b", year(2021), year(2022)],
          ["c", year(2022), year(2022)],
          ["d", year(2022), null],
        ],
        "but never before the version that they end",
      );
    }),
    one("scd2: versions begin at a chosen time, which does not lie before the last", async (target) => {
      const at = (day: string) =>
        plans.merge("t", batch().schema, "scd2", {
          validity: { ...validity, boundary: { at: Date.parse(`${day}T00:00:00Z`) } },
        });
      const loads = suiteLoads(target);
      await loads.load(at("2021-03-01"), batch([1n, "a"]));
      await loads.load(at("2021-03-01"), batch([1n, "b"]));
      await loads.load(at("2021-04-01"), batch([1n, "c"]));
      const rows = await target.read("t");
      const begins = (a: string): number =>
        Math.floor(micros(rows.find((row) => row["a"] === a)!["_alv_valid_from"]) / 1000);
      deepEqual(
        ["a", "b", "c"].map(begins),
        [Date.UTC(2021, 2, 1), Date.UTC(2021, 2, 1), Date.UTC(2021, 3, 1)],
        "a second load of one time follows in the same millisecond",
      );
      await rejects(
        () => loads.load(at("2021-03-15"), batch([1n, "d"])),
        hasCode("ALV_CONFIG"),
        "time does not step back",
      );
      equalRows(
        versionsOf(await target.read("t")),
        [...ended([1n, "a"], [1n, "b"]), ...active([1n, "c"])],
        "nothing is harmed",
      );
    }),
    one("scd2: rows that are older by the order column change nothing", async (target) => {
      const made = (...values: readonly (readonly [bigint, number, string])[]) =>
        batchOf({
          id: [int64, values.map(([id]) => id)],
          at: [int32, values.map(([, at]) => at)],
          a: [string, values.map(([, , a]) => a)],
        });
      const ordered = plans.merge("t", made().schema, "scd2", { orderBy: "at", validity });
      const { load } = suiteLoads(target);
      await load(ordered, made([1n, 5, "five"]));
      await load(ordered, made([1n, 4, "four"], [1n, 7, "seven"], [1n, 6, "six"]));
      equalRows(
        versionsOf(await target.read("t")).map(({ at, a, active: is }) => ({ at, a, active: is })),
        [
          { at: 5, a: "five", active: false },
          { at: 7, a: "seven", active: true },
        ],
        "in the load and against what is stored",
      );
    }),
    one("scd2: its own columns may have other names", async (target) => {
      const named = { from: "since", to: "until", active: "current", retireAbsent: false };
      const own = plans.merge("t", batch().schema, "scd2", { validity: named });
      const loads = suiteLoads(target);
      await loads.load(own, batch([1n, "a"]));
      await loads.load(own, batch([1n, "b"]));
      const rows = await target.read("t");
      deepEqual(
        rows
          .map((row) => [row["a"], row["current"]])
          .sort(([left], [right]) => String(left).localeCompare(String(right))),
        [
          ["a", false],
          ["b", true],
        ],
        "the names that were asked for",
      );
    }),
    one("scd2: what is rolled back leaves no version", async (target) => {
      await suiteLoads(target).load(plan, batch([1n, "a"]));
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plan]));
      await load.write("t", batch([1n, "b"]));
      await load.mark("t", { seal: true, end: false });
      await load.write("t", changeBatch(columns, [{ op: "delete", row: { id: 1n } }]));
      await load.rollback("t");
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(
        versionsOf(await target.read("t")),
        [...ended([1n, "a"]), ...active([1n, "b"])],
        "the delete never was",
      );
    }),
  ];
}
