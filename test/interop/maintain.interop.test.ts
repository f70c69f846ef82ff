import { DuckDBInstance } from "@duckdb/node-api";
import { attachLake, deltaTable } from "@alluvium/destinations/delta";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { spark, type Place } from "./client.ts";
import { expectEverywhere, type Content, type Reader } from "./compare.ts";
import { column, decimal, instant, structOf, type Row } from "./expected.ts";
import { loadDelta, temporaryFolder } from "./lake.ts";

const at = (lake: string, table = "t"): Place => ({ path: join(lake, table), format: "delta" });
/** delta-rs makes no dataset for pyarrow of tables with deletion vectors. */
const withVectors: readonly Reader[] = ["deltars", "spark", "duckdb", "alluvium"];

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const byId = (ids: readonly number[]) => [{ column: "id", op: "in" as const, value: ids }];

/** How many files of rows and deletion vectors the table's folders hold. */
const dataFiles = (path: string): number =>
  readdirSync(path, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.(parquet|bin)$/.test(file) && !file.includes("_delta_log"),
  ).length;

/** Expects views in DuckDB to see the same. */
async function expectAttached(
  lake: string,
  { rows }: Content,
  select: string,
  texts: (row: Row) => string,
): Promise<void> {
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    await connection.run("set timezone = 'Asia/Tokyo'");
    await attachLake(connection, { url: lake, tables: ["t"] });
    const read = (await connection.runAndReadAll(`select ${select} from t order by id`)).getRows();
    expect(read.map(([text]) => text)).toEqual(rows.map(texts));
  } finally {
    connection.closeSync();
  }
}

describe("a table of Spark with deletion vectors", () => {
  const fields = [column("id", "int32"), column("v", "string"), column("at", instant), column("p", "string")];
  const micros = (id: number): bigint => BigInt(Date.UTC(2024, 0, 1)) * 1000n + BigInt(id) * 1_000_001n;
  const make = (name: string, timestamps: string): readonly string[] => [
    `set spark.sql.parquet.outputTimestampType=${timestamps}`,
    `create table ${name} (id int, v string, at timestamp, p string) using delta partitioned by (p)
      tblproperties ('delta.enableDeletionVectors' = 'true')`,
    ...[0, 1, 2].map(
      (
        load,
      ) => `insert into ${name} select cast(id as int), concat('v', id), timestamp_micros(${Date.UTC(2024, 0, 1)}000 + id * 1000001),
        if(id % 2 = 0, 'a b', null) from range(${load * 100}, ${load * 100 + 100}, 1, 1)`,
    ),
    `delete from ${name} where id % 10 = 3`,
    `update ${name} set v = 'changed' where id between 100 and 120`,
    "set spark.sql.parquet.outputTimestampType=INT96",
  ];
  const rowOf = (id: number): Row => ({
    id,
    v: id >= 100 && id <= 120 ? "changed" : `v${id}`,
    at: micros(id),
    ...(id % 2 === 0 && { p: "a b" }),
  });
  const content = (keep: (id: number) => boolean, until = 300): Content => ({
    fields,
    rows: range(0, until)
      .filter((id) => id % 10 !== 3 && keep(id))
      .map(rowOf),
  });

  test.for(["INT96", "TIMESTAMP_MICROS"])(
    "deleted from, optimized, vacuumed and restored by us (%s)",
    async (timestamps) => {
      const lake = temporaryFolder();
      const place = at(lake);
      const name = `delta.\`${place.path}\``;
      await spark(...make(name, timestamps));
      const table = deltaTable(place.path);
      const all = content(() => true);
      const sound = async () =>
        expect((await table.verify({ deep: true })).findings.filter(({ kind }) => kind !== "orphan")).toEqual(
          [],
        );
      const attached = (wanted: Content) =>
        expectAttached(
          lake,
          wanted,
          "concat_ws('|', id, v, epoch_us(\"at\"), coalesce(p, '-'))",
          (row) =>
            `${Number(row["id"])}|${String(row["v"])}|${String(row["at"])}|${(row["p"] as string | undefined) ?? "-"}`,
        );
      await sound();
      await attached(all);

      // Ours on top of Spark's vectors.
      expect(await table.delete({ where: byId([0, 1, 110, 299]) })).toMatchObject({ rowsDeleted: 4 });
      const fewer = content((id) => ![0, 1, 110, 299].includes(id));
      await expectEverywhere(place, fewer, withVectors);
      await sound();
      await attached(fewer);
      const { version } = await table.snapshot();

      const optimized = await table.optimize({ purge: 0, orderBy: ["id"] });
      expect(optimized.rowsPurged).toBeGreaterThan(30);
      await expectEverywhere(place, fewer, withVectors);
      await sound();

      // Spark goes on, in the same files.
      await spark(
        `delete from ${name} where id = 5`,
        `insert into ${name} values (300, 'v300', timestamp_micros(${micros(300)}), 'a b')`,
      );
      await expectEverywhere(
        place,
        content((id) => ![0, 1, 5, 110, 299].includes(id), 301),
        withVectors,
      );
      await table.restore({ version });
      await expectEverywhere(place, fewer, withVectors);
      await sound();

      await table.optimize({ purge: 0 });
      const before = dataFiles(place.path);
      const vacuumed = await table.vacuum({ retention: {}, unsafeRetention: true });
      // How many files there were is Spark's affair; those that are left are what the table names (`verify` below).
      expect(vacuumed.files).toBe(before - dataFiles(place.path));
      expect(vacuumed.files).toBeGreaterThan(0);
      await expectEverywhere(place, fewer, withVectors);
      expect((await table.verify({ deep: true })).findings).toEqual([]);
      await attached(fewer);
      // What is left is what Spark would leave as well.
      // Its default lists folders in ten thousand tasks.
      await spark("set spark.sql.sources.parallelPartitionDiscovery.parallelism=2");
      await spark(`vacuum ${name} retain 0 hours`);
      await expectEverywhere(place, fewer, withVectors);
      await spark(`optimize ${name}`, `delete from ${name} where id = 7`);
      await expectEverywhere(
        place,
        content((id) => ![0, 1, 7, 110, 299].includes(id)),
        withVectors,
      );
    },
  );
});

describe("a table of ours", () => {
  const narrow = [column("id", "int32"), column("money", decimal(20, 4)), column("day", "date")];
  const fields = [...narrow, column("person", structOf(column("name", "string"), column("age", "int32")))];
  const rowOf = (id: number): Row => ({
    id,
    money: `${id}.5000`,
    day: `2024-01-${String((id % 28) + 1).padStart(2, "0")}`,
    ...(id >= 20 && { person: { name: `n${id}`, age: id } }),
  });
  const content = (ids: readonly number[]): Content => ({ fields, rows: ids.map(rowOf) });

  test("without vectors, with columns that came later", async () => {
    const lake = temporaryFolder();
    const place = at(lake);
    for (let load = 0; load < 4; load++) {
      const columns = load < 2 ? narrow : fields;
      await loadDelta(lake, { t: { fields: columns, rows: range(load * 10, load * 10 + 10).map(rowOf) } });
    }
    const table = deltaTable(place.path);
    await table.delete({ where: byId([1, 25]), purge: true });
    const left = range(0, 40).filter((id) => id !== 1 && id !== 25);
    await expectEverywhere(place, content(left));
    await table.optimize({ orderBy: ["day", "id"] });
    await expectEverywhere(place, content(left));
    await table.vacuum({ retention: {}, unsafeRetention: true });
    await expectEverywhere(place, content(left));
    expect((await table.verify({ deep: true })).findings).toEqual([]);
    await expectAttached(lake, content(left), "concat_ws('|', id, money, day, person.age)", (row) =>
      [
        Number(row["id"]),
        row["money"],
        row["day"],
        ...(Number(row["id"]) >= 20 ? [Number(row["id"])] : []),
      ].join("|"),
    );
    // Loads go on.
    await loadDelta(lake, { t: { fields, rows: range(40, 45).map(rowOf) } });
    await expectEverywhere(place, content([...left, ...range(40, 45)]));
  });
});
