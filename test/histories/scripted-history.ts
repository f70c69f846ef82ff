import type { Capabilities, MergeStrategy } from "@alluvium/core";
import { driftOf } from "./drift.ts";
import type { Columns, History, HistoryLoad, SourceRow } from "./history.ts";
import { keyOf, sourceTable, type SourceTable } from "./source-table.ts";

type Step = (table: SourceTable, row: (id: number, name?: string) => SourceRow) => void;

const key = (id: number): string => keyOf({ id: BigInt(id), part: "p" });

/** What happens at the source, a load each; every fourth one is followed by a new step of the columns. */
const steps: readonly Step[] = [
  (t, row) => [1, 2, 3, 4, 5, 6].forEach((id) => t.insert(row(id))),
  (t) => t.update(key(1), { name: "updated" }, false),
  (t) => t.remove(key(2)),
  (t, row) => t.insert(row(2, "again")),
  (t) => t.update(key(3), { name: "in part" }, true),
  (t) => t.move(key(4), 40n, false),
  (t) => t.move(key(40), 41n, true),
  (t) => t.swap(key(1), key(2), false),
  (t) => t.swap(key(1), key(3), true),
  (t, row) => {
    t.insert(row(7));
    t.remove(key(7));
  },
  (t, row) => {
    t.remove(key(5));
    t.insert(row(5, "whole"));
    t.update(key(5), { n: 3 }, true);
  },
  (t) => {
    t.update(key(6), { name: "a" }, true);
    t.update(key(6), { open: null }, true);
    t.move(key(6), 60n, true);
    t.update(key(60), { amount: "9.99" }, true);
  },
  (t) => {
    // Each row one key further, beginning at the far end.
    t.move(key(3), 8n, false);
    t.move(key(2), 3n, false);
    t.move(key(1), 2n, false);
  },
  () => {},
  (t, row) => [10, 11, 12].forEach((id) => t.insert(row(id))),
  (t) => {
    t.swap(key(10), key(11), true);
    t.swap(key(11), key(12), true);
  },
  (t) => {
    t.remove(key(10));
    t.move(key(11), 10n, true);
  },
  (t, row) => {
    t.truncate();
    t.insert(row(1, "after the truncate"));
  },
  (t, row) => [2, 3, 4].forEach((id) => t.insert(row(id))),
  (t) => t.update(key(1), { name: null, n: null, amount: null, open: null }, false),
  (t) => t.update(key(2), { name: null }, true),
  (t, row) => {
    t.insert(row(5));
    t.update(key(5), { name: "of the same load" }, true);
    t.move(key(5), 50n, true);
    t.swap(key(50), key(4), true);
  },
  (t) => t.truncate(),
  (t, row) => [1, 2].forEach((id) => t.insert(row(id, "anew"))),
  (t, row) => {
    t.insert(row(3));
    t.truncate();
    t.insert(row(3, "second"));
    t.insert(row(4));
  },
  (t) => {
    t.move(key(3), 33n, false);
    t.move(key(33), 3n, false);
  },
  (t) => {
    t.move(key(3), 9n, true);
    t.swap(key(4), key(9), true);
    t.remove(key(4));
  },
  (t, row) => [20, 21, 22, 23].forEach((id) => t.insert(row(id))),
  (t) => [20, 21, 22, 23].forEach((id) => t.update(key(id), { n: id }, id % 2 === 0)),
  (t) => [20, 22].forEach((id) => t.remove(key(id))),
];

/** Thirty loads: inserts, updates, moved and swapped keys, deletes, truncates, partial rows, columns that drift. */
export function scriptedHistory(capabilities: Capabilities, strategy: MergeStrategy = "upsert"): History {
  const drift = driftOf(capabilities);
  const table = sourceTable();
  return {
    strategy,
    merge: {},
    primaryKey: ["id", "part"],
    isExact: strategy === "upsert",
    loads: steps.map((step, i): HistoryLoad => {
      const columns: Columns = drift[Math.min(Math.floor(i / 4), drift.length - 1)]!;
      step(table, (id, name = `row ${id}`) => ({
        id: BigInt(id),
        part: "p",
        at: i,
        name,
        n: id,
        amount: `${id}.50`,
        open: id % 2 === 0,
        ...("note" in columns && { note: `load ${i}` }),
        ...(columns["later"]!.kind === "string" && { later: "known" }),
        ...("ratio" in columns && { ratio: id / 4 }),
        ...("address" in columns && { address: { city: `c${id}` } }),
      }));
      return {
        chunks: [
          {
            columns,
            changes: table.take(),
            isRepeated: i % 5 === 4,
            isSealed: true,
            source: [...table.rows.values()],
          },
        ],
        isGivenUp: i % 7 === 6,
        endsSession: true,
      };
    }),
  };
}
