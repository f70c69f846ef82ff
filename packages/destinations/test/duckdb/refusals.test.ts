import { expect, test } from "vitest";
import { expectParkedByRule, expectRepeatedKeysRefused } from "../sql/refusals.ts";
import { memoryDatabase, type TestDatabase } from "./database.ts";

const place = (database: TestDatabase) => ({
  destination: database.destination as never,
  table: (name: string) => name,
  run: (sql: string) => database.query(sql),
});

test("a table whose own rule refuses rows is set aside, and others go on", async () => {
  expect.hasAssertions();
  await using database = await memoryDatabase();
  await expectParkedByRule(place(database), {
    add: "create unique index once on items (amount)",
    drop: "drop index once",
    message: /unique constraint/i,
  });
});

test("a key that is stored twice is refused by name", async () => {
  expect.hasAssertions();
  await using database = await memoryDatabase();
  await expectRepeatedKeysRefused(place(database));
});
