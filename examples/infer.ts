import { readFile } from "node:fs/promises";
import { pipeline, resource, source } from "@alluvium/core";
import { parseJson } from "@alluvium/core/columns";
import { delta } from "@alluvium/destinations/delta";

const sensors = source("sensors", () => [
  // #region mixed
  resource({
    name: "readings",
    read: () => [{ value: 5 }, { value: "n/a" }, { value: true }, { value: [5, 6] }],
  }),
  // value: 5; value__v_string: "n/a"; value__v_boolean: true; value__v_json: [5,6]
  // #endregion mixed
  // #region switches
  resource({
    name: "events",
    infer: { dates: true, timestamps: true, uuids: true },
    columnPatterns: [
      [/_at$/, { type: "timestamp" }],
      [/_cents$/, { type: "int64" }],
    ],
    read: () => [{ day: "2026-02-28", seen: "2026-02-28T12:00:00Z", made_at: "2026-02-28T12:00Z" }],
  }),
  // #endregion switches
  // #region json
  resource({
    name: "balances",
    columns: { amount: { type: "decimal", precision: 38, scale: 20 } },
    async *read() {
      // JSON.parse would make 9007199254740992 of an id 9007199254740993, and cut an amount of 20 digits.
      yield parseJson(await readFile("balances.json", "utf8")) as { id: bigint; amount: string }[];
    },
  }),
  // #endregion json
]);

await pipeline({ name: "sensors", source: sensors(), destination: delta({ url: "./lake" }) }).run();
