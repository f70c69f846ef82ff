import type { Capabilities, ColumnType } from "@alluvium/core";
import type { Columns } from "./history.ts";

const int32: ColumnType = { kind: "int32" };
const int64: ColumnType = { kind: "int64" };
const string: ColumnType = { kind: "string" };

const address = (...names: readonly string[]): ColumnType => ({
  kind: "struct",
  fields: names.map((name) => ({ name, type: string, nullable: true })),
});

/**
 * The columns of a table while its source changes, one step after another: a column more, one that is bound late, one that becomes wider, a member
 * more. Steps that the destination cannot do in place are left out.
 */
export function driftOf({ storedType, widens }: Capabilities): readonly Columns[] {
  const stored = (columns: Columns): Columns =>
    Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, storedType(type)]));
  const base: Columns = {
    id: int64,
    part: string,
    at: int32,
    name: string,
    n: int32,
    amount: { kind: "decimal", precision: 12, scale: 2 },
    open: { kind: "boolean" },
    later: { kind: "null" },
  };
  const wide = widens?.(storedType(int32), storedType(int64)) === true ? { ...base, n: int64 } : base;
  const bound = { ...wide, later: string };
  const hasStruct = storedType(address("city")).kind === "struct";
  return [
    base,
    { ...base, note: string },
    { ...wide, note: string },
    { ...bound, note: string },
    { ...bound, note: string, ratio: { kind: "float64" } satisfies ColumnType },
    ...(hasStruct
      ? [
          {
            ...bound,
            note: string,
            ratio: { kind: "float64" } satisfies ColumnType,
            address: address("city"),
          },
          {
            ...bound,
            note: string,
            ratio: { kind: "float64" } satisfies ColumnType,
            address: address("city", "zip"),
          },
        ]
      : []),
  ].map(stored);
}
