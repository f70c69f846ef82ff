import { expect, test } from "vitest";
import { createExternalTable } from "@alluvium/destinations/delta";
import { hiveType } from "../../src/delta/hive-type.ts";
import type { DeltaType } from "../../src/delta/types.ts";

test.each<[Parameters<typeof createExternalTable>[0], string]>([
  [
    { url: "s3://lake/bronze/", table: "orders", database: "shop" },
    "CREATE EXTERNAL TABLE IF NOT EXISTS `shop`.`orders` LOCATION 's3://lake/bronze/orders' TBLPROPERTIES ('table_type' = 'DELTA')",
  ],
  [
    { url: "s3a://lake", table: "it's", engine: "spark" },
    "CREATE TABLE IF NOT EXISTS `it's` USING DELTA LOCATION 's3a://lake/it\\'s'",
  ],
  [
    { url: "s3://lake", table: "it's", database: "shop", engine: "trino" },
    "CALL system.register_table(schema_name => 'shop', table_name => 'it''s', table_location => 's3://lake/it''s')",
  ],
  [
    { url: "s3://lake", table: "a`b" },
    "CREATE EXTERNAL TABLE IF NOT EXISTS `a``b` LOCATION 's3://lake/a`b' TBLPROPERTIES ('table_type' = 'DELTA')",
  ],
])("a statement for %j", (options, text) => {
  expect(createExternalTable(options)).toBe(text);
});

test("addresses that an engine cannot have", () => {
  expect(() => createExternalTable({ url: "file:///lake", table: "a" })).toThrow(/Athena reads s3/);
  expect(() => createExternalTable({ url: "s3://lake", table: "" })).toThrow(/table is empty/);
});

test.each<[DeltaType, string]>([
  ["long", "bigint"],
  ["integer", "int"],
  ["short", "smallint"],
  ["byte", "tinyint"],
  ["decimal(18, 2)", "decimal(18,2)"],
  ["timestamp_ntz", "timestamp"],
  ["string", "string"],
  [
    {
      type: "array",
      containsNull: true,
      elementType: {
        type: "struct",
        fields: [
          { name: "a", type: "long", nullable: true, metadata: {} },
          {
            name: "m",
            type: { type: "map", keyType: "string", valueType: "double", valueContainsNull: true },
            nullable: true,
            metadata: {},
          },
        ],
      },
    },
    "array<struct<a:bigint,m:map<string,double>>>",
  ],
])("the type %j in Hive's spelling", (type, text) => {
  expect(hiveType(type)).toBe(text);
});
