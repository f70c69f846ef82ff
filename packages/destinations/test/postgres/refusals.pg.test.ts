import { expect, test } from "vitest";
import { postgres } from "@alluvium/destinations/postgres";
import { expectParkedByRule, expectRepeatedKeysRefused, type RefusalPlace } from "../sql/refusals.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("refusals");
const place = (schema: string): RefusalPlace => ({
  destination: postgres({ url: db.url, schema }),
  table: (name) => `${schema}.${name}`,
  run: (sql) => db.run(sql),
});

test.for([
  [
    "a check",
    "alter table checked.items add constraint positive check (amount > 0)",
    /check constraint "positive"/,
  ],
  [
    "a check only at commit",
    "create function checked2.no() returns trigger language plpgsql as $$ begin if new.amount < 0 then raise exception 'no % here', 'such' using table = 'items', schema = 'checked2'; end if; return new; end $$;" +
      "create constraint trigger positive after insert or update on checked2.items deferrable initially deferred for each row execute function checked2.no()",
    /no such here/,
  ],
] as const)(
  "a table whose own rule (%s) refuses rows is set aside, and others go on",
  async ([what, add, message]) => {
    const schema = what === "a check" ? "checked" : "checked2";
    const drop =
      what === "a check"
        ? "alter table checked.items drop constraint positive"
        : "drop trigger positive on checked2.items";
    await expectParkedByRule(place(schema), { add, drop, message });
    const [parked] = await db.run(
      `select t ->> 'parked' as reason from ${schema}._alv_loads, jsonb_array_elements(tables) as t where t ->> 'table' = 'items' and t ? 'parked'`,
    );
    expect(parked!["reason"]).toMatch(message);
    expect(parked!["reason"]).not.toContain("-7");
  },
);

test("a key that is stored twice is refused by name", async () => {
  expect.hasAssertions();
  await expectRepeatedKeysRefused(place("repeated"));
});
