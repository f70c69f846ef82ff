import { expect } from "vitest";
import { AlluviumError, pipeline, resource, source, typed, type Destination } from "@alluvium/core";

/** A place where a pipeline loads into, and how statements are run there. */
export interface RefusalPlace {
  readonly destination: Destination<"append" | "upsert">;
  /** A table's name as SQL. */
  readonly table: (name: string) => string;
  readonly run: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

interface Item {
  readonly id: number;
  readonly amount: number;
}

function shop(
  destination: RefusalPlace["destination"],
  rows: () => readonly Item[],
  disposition: "append" | "merge" = "merge",
) {
  const one = (name: "items" | "others") =>
    resource({ name, schema: typed<Item>(), primaryKey: "id", disposition, read: () => rows() });
  return pipeline({
    name: "shop",
    source: source("shop", () => [one("items"), one("others")])(),
    destination,
  });
}

/** A table with a rule of the user's refuses rows: it is set aside, the other table goes on; the rule goes, and `retry` brings the rows. */
export async function expectParkedByRule(
  { destination, table, run }: RefusalPlace,
  rule: { readonly add: string; readonly drop: string; readonly message: RegExp },
): Promise<void> {
  let rows: readonly Item[] = [{ id: 1, amount: 1 }];
  const load = shop(destination, () => rows);
  await load.run();
  await run(rule.add);
  const ids = async (name: string): Promise<unknown> =>
    (await run(`select id from ${table(name)} order by id`)).map((row) => Number(row["id"]));
  rows = [
    { id: 1, amount: 2 },
    { id: 2, amount: -7 },
    { id: 3, amount: -7 },
  ];
  const { problems } = await load.run();
  expect(problems).toMatchObject([{ stream: "items", code: "ALV_TABLE_PARKED" }]);
  expect(problems[0]!.message).toMatch(rule.message);
  expect(await ids("items")).toEqual([1]);
  expect(await ids("others")).toEqual([1, 2, 3]);
  await expect(load.retry("items")).rejects.toSatisfy(
    (error) =>
      AlluviumError.is(error) && error.code === "ALV_TABLE_PARKED" && rule.message.test(error.message),
  );
  await run(rule.drop);
  await load.retry("items");
  expect(await ids("items")).toEqual([1, 2, 3]);
  rows = [{ id: 4, amount: 3 }];
  await load.run();
  expect([await ids("items"), await ids("others")]).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
}

/** A table that was appended to holds a key twice: merging it by that key is refused by name, and `refresh: "data"` mends it. */
export async function expectRepeatedKeysRefused({ destination, table, run }: RefusalPlace): Promise<void> {
  let rows: readonly Item[] = [
    { id: 1, amount: 1 },
    { id: 1, amount: 2 },
    { id: 2, amount: 3 },
  ];
  await shop(destination, () => rows, "append").run();
  rows = [{ id: 1, amount: 9 }];
  const load = shop(destination, () => rows);
  await expect(load.run()).rejects.toSatisfy(
    (error) =>
      AlluviumError.is(error) &&
      error.code === "ALV_SCHEMA_CONFLICT" &&
      error.message.includes("table items holds 1 value of its key id more than once") &&
      error.message.includes('refresh: "data"'),
  );
  expect(await run(`select id from ${table("items")}`)).toHaveLength(3);
  await load.run({ refresh: "data" });
  expect(await run(`select id from ${table("items")}`)).toHaveLength(1);
  await load.run();
  expect(await run(`select id from ${table("items")}`)).toHaveLength(1);
}
