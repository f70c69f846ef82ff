import { expect, test } from "vitest";
import { pipeline, type ContractOption, type ObjectStore } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { csv, files } from "@alluvium/sources/files";

/** Seven files: a column more from the third on, a value of another kind in the fifth, a row that is none in the seventh. */
const landing: readonly string[] = [
  "id,price\n1,10\n2,20\n",
  "id,price\n3,30\n",
  "id,price,coupon\n4,40,SPRING\n",
  "id,price,coupon\n5,50,\n",
  "id,price,coupon\n6,unknown,SUMMER\n7,70,\n",
  "id,price,coupon\n8,80,\n",
  "id,price,coupon\n9,90,\n10,100,x,y,z\n11,110,AUTUMN\n",
];

async function put(store: ObjectStore, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++)
    await store.put(`items/day-${i + 1}.csv`, new TextEncoder().encode(landing[i]));
}

function shop(inbox: ObjectStore, lake: ObjectStore, contract: ContractOption) {
  return pipeline({
    name: "shop",
    source: files({
      store: inbox,
      tables: { items: { files: "items/*.csv", format: csv(), contract, fileColumn: "file" } },
    }),
    destination: delta({ store: lake }),
    loadIdColumn: false,
  });
}

async function rowsIn(lake: ObjectStore): Promise<readonly object[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of deltaTable({ store: lake, path: "items" }).scan())
    rows.push(...(rowsOf(batch) as Iterable<Record<string, unknown>>));
  return rows.toSorted((a, b) => Number(a["id"]) - Number(b["id"])).map(({ file: _file, ...row }) => row);
}

const [none, evolving] = [{ coupon: null }, { price__v_string: null }];

for (const steps of [[1, 2, 3, 4, 5, 6], [2, 5, 6], [6]])
  test(`a column is added, a value is of another kind, a row is bad: loaded up to file ${steps.join(", ")}, then all`, async () => {
    const [inbox, lake] = [memoryStore(), memoryStore()];
    let before = 0;
    for (const to of steps) {
      await put(inbox, before, to);
      before = to;
      await shop(inbox, lake, "evolve").run();
    }
    await put(inbox, before, 7);
    await expect(shop(inbox, lake, "evolve").run({ retry: { attempts: 1 } })).rejects.toMatchObject({
      code: "ALV_ROW_INVALID",
      message: expect.stringMatching(/items\/day-7\.csv.*line 3/) as string,
    });
    // Whoever wants to look at bad rows later says so, and nothing is loaded twice.
    const load = shop(inbox, lake, { types: "quarantine", columns: "evolve" });
    await load.run();
    expect(await rowsIn(lake)).toEqual([
      { id: 1n, price: 10n, ...none, ...evolving },
      { id: 2n, price: 20n, ...none, ...evolving },
      { id: 3n, price: 30n, ...none, ...evolving },
      { id: 4n, price: 40n, coupon: "SPRING", ...evolving },
      { id: 5n, price: 50n, ...none, ...evolving },
      { id: 6n, price: null, coupon: "SUMMER", price__v_string: "unknown" },
      { id: 7n, price: 70n, ...none, ...evolving },
      { id: 8n, price: 80n, ...none, ...evolving },
      { id: 9n, price: 90n, ...none, ...evolving },
      { id: 11n, price: 110n, coupon: "AUTUMN", ...evolving },
    ]);
    const waiting = await load.quarantine({ resource: "items" });
    expect(waiting.at(-1)).toMatchObject({
      position: { file: "items/day-7.csv", line: 3 },
      reason: "ALV_ROW_INVALID",
    });
    const counts = await load.run();
    expect(counts.tables.items.rows).toBe(0);
  });

test("one row of seven files waits with its file and line, the others are loaded by one run", async () => {
  const [inbox, lake] = [memoryStore(), memoryStore()];
  await put(inbox, 0, 7);
  const load = shop(inbox, lake, { types: "quarantine" });
  const report = await load.run();
  expect(report.tables.items).toMatchObject({ rows: 9, quarantined: 2 });
  expect(
    (await load.quarantine({ resource: "items" })).map(({ position, rule }) => [position, rule]),
  ).toEqual([
    [{ file: "items/day-5.csv", line: 2 }, "type"],
    [{ file: "items/day-7.csv", line: 3 }, "format"],
  ]);
  expect((await rowsIn(lake)).map((row) => Number((row as { readonly id: bigint }).id))).toEqual([
    1, 2, 3, 4, 5, 7, 8, 9, 11,
  ]);
});
