// #region contract
import { AlluviumError, pipeline, range, resource, source, unique } from "@alluvium/core";
import { checksPage } from "@alluvium/core/checks-page";
import { delta } from "@alluvium/destinations/delta";
import { writeFile } from "node:fs/promises";
import * as z from "zod";

interface Order {
  readonly id: number;
  readonly updatedAt: Date;
  readonly total: number;
  readonly country: string;
}
// Loose: z.object() would leave out what it does not know, and nobody would see it come.
const Order: z.ZodType<Order> = z.looseObject({
  id: z.int(),
  updatedAt: z.date(),
  total: z.number(),
  country: z.string().length(2),
});

const orders = resource({
  name: "orders",
  schema: Order,
  cursor: "updatedAt",
  primaryKey: "id",
  disposition: { merge: "upsert", orderBy: "updatedAt" },
  contract: { columns: "quarantine", types: "quarantine" },
  checks: [range("total", { min: 0, max: 75 }, { severity: "warn" }), unique("id")],
  quarantine: { maxRows: 1000, maxPercent: 60, minRows: 3 },
  read: () => days[today]!,
});
const shop = source("shop", () => [orders], { contract: "freeze" });
const load = pipeline({ name: "shop", source: shop(), destination: delta({ url: "./lake" }) });
// #endregion contract

const at = (day: number): Date => new Date(Date.UTC(2026, 0, day));
const days: object[][] = [
  // Five days of a source that drifts.
  [
    { id: 1, updatedAt: at(1), total: 10, country: "CH" },
    { id: 2, updatedAt: at(1), total: 20, country: "PL" },
  ],
  // A column appears.
  [
    { id: 3, updatedAt: at(2), total: 30, country: "CH" },
    { id: 4, updatedAt: at(2), total: 40, country: "CH", coupon: "SPRING" },
  ],
  // A number is sent as text, and a country by its name.
  [
    { id: 1, updatedAt: at(3), total: "12.50", country: "CH" },
    { id: 5, updatedAt: at(3), total: 50, country: "Poland" },
    { id: 6, updatedAt: at(3), total: 60, country: "PL" },
    { id: 7, updatedAt: at(3), total: 70, country: "PL" },
  ],
  // Order 1 changes again, while its third day still waits in the quarantine.
  [
    { id: 1, updatedAt: at(4), total: 13, country: "CH" },
    { id: 8, updatedAt: at(4), total: 80, country: "CH" },
  ],
  // Somebody renamed a property: hardly a row is right.
  [
    { id: 9, updatedAt: at(5), amount: 90, country: "CH" },
    { id: 10, updatedAt: at(5), amount: 100, country: "CH" },
    { id: 11, updatedAt: at(5), amount: 110, country: "PL" },
  ],
];
let today = 0;

for (today = 0; today < days.length; today++)
  try {
    const report = await load.run();
    console.log(report);
    await writeFile("checks.html", checksPage(report));
  } catch (error) {
    // #region limit
    if (!AlluviumError.is(error) || error.code !== "ALV_QUARANTINE_LIMIT") throw error;
    console.log(error.message); // 3 of 3 rows of orders were refused (100 %), more than its quarantine may take …
    // #endregion limit
  }

// #region quarantine
for (const { id, stage, rule, message, row, key, position } of await load.quarantine({
  resource: "orders",
}))
  console.log(id, { stage, rule, key, position, row }, message);
// #endregion quarantine

// #region fix
const countries: Record<string, string> = { Poland: "PL" };
const mended = await load.replay({
  resource: "orders",
  contract: { columns: "evolve" }, // the coupon is welcome after all
  fix: ({ total, country, ...row }) =>
    row["id"] === 7
      ? undefined
      : { ...row, total: Number(total), country: countries[String(country)] ?? country },
});
console.log(mended); // { loadId: …, replayed: 3, dropped: 0, refused: 0, … }
// #endregion fix

console.log("waiting:", (await load.quarantine({ resource: "orders" })).length);

// #region report
const { schemaChanges } = (await load.history())[0]!.tables.find(({ table }) => table === "orders")!;
console.log(schemaChanges); // coupon was added by the replay
// #endregion report

const { deltaTable } = await import("@alluvium/destinations/delta");
const { rowsOf } = await import("@alluvium/core/columns");
const rows: Record<string, unknown>[] = [];
for await (const batch of deltaTable("./lake/orders").scan()) rows.push(...rowsOf(batch));
console.table(
  rows
    .map(({ id, total, country, coupon }) => ({ id, total, country, coupon }))
    .toSorted((a, b) => Number(a.id) - Number(b.id)),
);

// #region ci
today = 1;
const { plan } = await load.run({ dryRun: true });
for (const { text } of plan!.drift) console.log(text);
process.exitCode = plan!.drift.length > 0 ? 1 : 0;
// #endregion ci
process.exitCode = 0;

// #region diff
import { diffSchemas } from "@alluvium/core/schema";

const before = { version: 1, tables: {} } as const; // as it is kept in the repository
console.log(diffSchemas(before, await load.schema()).text); // orders: + a new table
// #endregion diff

// #region forget
const gone = await load.forget({ resource: "orders", match: (row) => Number(row["id"]) === 1 });
console.log("forgotten:", gone);
// #endregion forget
