import { expect, test } from "vitest";
import { diffSchemas } from "@alluvium/core/schema";
import type { Json, SchemaDocument } from "@alluvium/core";

const document = (
  tables: Readonly<
    Record<string, { readonly key?: readonly string[]; readonly columns: Readonly<Record<string, Json>> }>
  >,
): SchemaDocument => ({
  version: 1,
  tables: Object.fromEntries(
    Object.entries(tables).map(([name, { key = [], columns }]) => [
      name,
      {
        resource: name,
        primaryKey: key,
        columns: Object.entries(columns).map(([column, type]) => ({
          name: column.replace("!", ""),
          type,
          nullable: !column.endsWith("!"),
        })),
      },
    ]),
  ),
});

const address = (...members: readonly string[]): Json => ({
  struct: members.map((name) => ({ name, type: "string", nullable: true })),
});

test("tells what is added, changed and gone, in the order of tables and columns", () => {
  const before = document({
    orders: {
      key: ["id"],
      columns: { "id!": "int64", total: "int64", note: "string", address: address("city") },
    },
    gone: { columns: { id: "int64" } },
  });
  const after = document({
    orders: {
      key: ["id", "at"],
      columns: {
        id: "int64",
        total: "decimal(18,2)",
        total__v_string: "string",
        address: address("city", "zip"),
        coupon: "string",
      },
    },
    news: { columns: { id: "int64" } },
  });
  const { changes, text } = diffSchemas(before, after);
  expect(text.split("\n")).toEqual([
    "gone: - the table",
    "news: + a new table",
    "orders: ~ primary key id → id, at",
    "orders: ~ id may be null",
    "orders: ~ total int64 → decimal(18,2)",
    "orders: + total__v_string string, for values that total does not hold",
    "orders: + address.zip string",
    "orders: + coupon string",
    "orders: - note",
  ]);
  expect(changes).toHaveLength(9);
  expect(changes.at(-1)).toEqual({ table: "orders", change: { kind: "columnMissing", column: "note" } });
});

test("finds nothing where nothing differs, and names what is no document", () => {
  const same = document({ orders: { columns: { id: "int64" } } });
  expect(diffSchemas(same, structuredClone(same))).toEqual({ changes: [], text: "" });
  expect(() => diffSchemas(same, { version: 2 } as never)).toThrow(/contract.version is 2/);
});
