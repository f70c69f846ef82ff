import { deltaTable } from "@alluvium/destinations/delta";
import { join } from "node:path";
import { expect, test } from "vitest";
import { spark, type Place } from "./client.ts";
import { expectEverywhere, type Content, type Reader } from "./compare.ts";
import { column, decimal, type Row } from "./expected.ts";
import { loadDelta, temporaryFolder, type LoadOptions } from "./lake.ts";

/** delta-rs makes no dataset for pyarrow of tables with deletion vectors. */
const withVectors: readonly Reader[] = ["deltars", "spark", "duckdb", "alluvium"];
const fields = [
  column("id", "int64"),
  column("by", "string"),
  column("money", decimal(12, 2)),
  column("gone", "boolean"),
];

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const rowOf = (id: number, by: string): Row => ({ id: BigInt(id), by, money: `${id}.25`, gone: false });

/** What the table must hold: who wrote each id last. */
class Ledger {
  readonly rows = new Map<number, string>();

  set(by: string, ...ids: readonly number[]): void {
    for (const id of ids) this.rows.set(id, by);
  }

  get content(): Content {
    return { fields, rows: [...this.rows].map(([id, by]) => rowOf(id, by)) };
  }
}

/** One load of ours: rows to put, keys to delete, and what else happens meanwhile. */
async function merge(
  lake: string,
  ledger: Ledger,
  by: string,
  puts: readonly number[],
  deletes: readonly number[] = [],
  more: LoadOptions & { readonly during?: () => Promise<void> } = {},
): Promise<void> {
  const { during, ...options } = more;
  const rows = [
    ...puts.map((id) => rowOf(id, by)),
    ...deletes.map((id) => ({ ...rowOf(id, by), gone: true })),
  ];
  await loadDelta(
    lake,
    {
      t: {
        fields,
        rows,
        primaryKey: ["id"],
        disposition: { kind: "merge", strategy: "upsert" },
        merge: { deleteFlag: "gone" },
        ...(during && { during }),
      },
    },
    options,
  );
  ledger.set(by, ...puts);
  for (const id of deletes) ledger.rows.delete(id);
}

/** A table of 80 rows in two files, merged into once. */
async function mergedTable() {
  const lake = temporaryFolder();
  const place: Place = { path: join(lake, "t"), format: "delta" };
  const ledger = new Ledger();
  for (const start of [0, 40]) {
    await loadDelta(lake, { t: { fields, rows: range(start, start + 40).map((id) => rowOf(id, "first")) } });
    ledger.set("first", ...range(start, start + 40));
  }
  await merge(lake, ledger, "a", [...range(5, 15), 200], [20, 21]);
  return { lake, place, ledger, name: `delta.\`${place.path}\`` };
}

test("with deletion vectors, while Spark appends, merges and optimizes between our loads", async () => {
  const { lake, place, ledger, name } = await mergedTable();
  await expectEverywhere(place, ledger.content, withVectors);
  await spark(
    `insert into ${name} values (300, 'spark', 300.25, false)`,
    `merge into ${name} t using (select cast(id as bigint) id from range(3, 5)) s on t.id = s.id
      when matched and s.id = 4 then delete when matched then update set by = 'spark'`,
    `optimize ${name}`,
    // What an optimize returns has no form in Arrow.
    "select 1",
  );
  ledger.set("spark", 300, 3);
  ledger.rows.delete(4);
  await merge(lake, ledger, "b", [3, 4, 300, ...range(50, 60)], [200]);
  await expectEverywhere(place, ledger.content, withVectors);
});

test("with deletion vectors, while Spark appends, updates and optimizes in the middle of our load; then optimized and vacuumed", async () => {
  const { lake, place, ledger, name } = await mergedTable();
  // Our rows are read, nothing of them is committed.
  await merge(lake, ledger, "c", [7, 400, 61], [8], {
    during: async () => {
      await spark(
        `insert into ${name} values (400, 'spark', 400.25, false), (401, 'spark', 401.25, false)`,
        `update ${name} set by = 'spark' where id in (7, 62)`,
        `optimize ${name}`,
        "select 1",
      );
      ledger.set("spark", 401, 62);
    },
  });
  await expectEverywhere(place, ledger.content, withVectors);

  const table = deltaTable(place.path);
  await table.optimize({ purge: 0, orderBy: ["id"] });
  await merge(lake, ledger, "d", [0, 79], [40]);
  expect((await table.verify({ deep: true })).findings.filter(({ kind }) => kind !== "orphan")).toEqual([]);
  await spark("set spark.databricks.delta.retentionDurationCheck.enabled=false");
  await spark(`vacuum ${name} retain 0 hours`);
  await expectEverywhere(place, ledger.content, withVectors);
});

test("merged by writing files again: every reader reads it, and none needs deletion vectors", async () => {
  const lake = temporaryFolder();
  const place: Place = { path: join(lake, "t"), format: "delta" };
  const ledger = new Ledger();
  const mode = { mergeMode: "rewrite" } as const;
  await merge(lake, ledger, "a", range(0, 30), [], mode);
  await merge(lake, ledger, "b", [1, 2, 40], [5], mode);
  await spark(`update delta.\`${place.path}\` set by = 'spark' where id = 10`);
  ledger.set("spark", 10);
  await merge(lake, ledger, "c", [10, 11], [40], mode);
  await expectEverywhere(place, ledger.content);
  expect((await deltaTable(place.path).snapshot()).protocol.minReaderVersion).toBe(1);
});
