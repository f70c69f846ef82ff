import type { ColumnType } from "@alluvium/core";
import type { DataFile } from "../../lake/contract.ts";
import { jsonText } from "../log/struct-statistics.ts";
import { typeOf, type DeltaField, type DeltaStruct, type DeltaType } from "../types.ts";

/** Leaf columns with statistics unless the table says otherwise. */
const DEFAULT_INDEXED = 32;

/**
 * A file's statistics as Delta's JSON text. Every bound is exact or errs outwards; what has no exact form is left out.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
 */
export function statisticsText(
  file: Pick<DataFile, "rows" | "columns">,
  schema: DeltaStruct,
  partitionColumns: readonly string[],
  configuration: Readonly<Record<string, string>> = {},
): string {
  const indexed = indexedLeaves(schema, partitionColumns, configuration);
  const min: Tree = new Map();
  const max: Tree = new Map();
  const nulls: Tree = new Map();
  for (const column of file.columns) {
    const type = leafType(schema, column.path);
    if (type === undefined || !indexed(column.path)) continue;
    put(nulls, column.path, String(column.nulls));
    if (column.nulls >= file.rows) continue;
    const lower = column.min === undefined ? undefined : boundText(type, column.min, "min");
    const upper = column.max === undefined ? undefined : boundText(type, column.max, "max");
    if (lower !== undefined) put(min, column.path, lower);
    if (upper !== undefined) put(max, column.path, upper);
  }
  return `{"numRecords":${file.rows},"minValues":${treeText(min)},"maxValues":${treeText(max)},"nullCount":${treeText(nulls)}}`;
}

type Tree = Map<string, string | Tree>;

function put(tree: Tree, path: readonly string[], text: string): void {
  let at = tree;
  for (const name of path.slice(0, -1)) {
    let next = at.get(name);
    if (!(next instanceof Map)) at.set(name, (next = new Map()));
    at = next;
  }
  at.set(path.at(-1)!, text);
}

function treeText(tree: Tree): string {
  const members = [...tree].map(
    ([name, value]) => `${JSON.stringify(name)}:${typeof value === "string" ? value : treeText(value)}`,
  );
  return `{${members.join(",")}}`;
}

/**
 * A bound as JSON; `undefined` where readers would not get exactly what is meant. Booleans have bounds although Spark gives them none:
 * delta-rs takes a bound that is not there for null, and its dataset for pyarrow then finds no row.
 */
function boundText(type: ColumnType, text: string, side: "min" | "max"): string | undefined {
  switch (type.kind) {
    case "binary":
    case "list":
    case "map":
    case "struct":
    case "null":
      return undefined;
    case "float32":
    case "float64":
      return floatBound(text, side);
    case "date":
      return fourDigitYear(text) ? JSON.stringify(text) : undefined;
    case "timestamp":
      return timestampBound(text, side);
    default:
      return jsonText(type, text);
  }
}

function floatBound(text: string, side: "min" | "max"): string | undefined {
  const value = Number(text);
  // JSON has no infinities, and NaN is no bound.
  if (!Number.isFinite(value)) return undefined;
  // Engines that order -0 before 0 must not skip the file for it.
  if (value === 0) return side === "min" ? "-0.0" : "0.0";
  return /[.e]/i.test(text) ? text : `${text}.0`;
}

// delta-rs and Spark parse no years beyond four digits in statistics, and there is no year 0 in some.
function fourDigitYear(text: string): boolean {
  return /^\d{4}-/.test(text) && !text.startsWith("0000");
}

/** Milliseconds are all that readers expect: the lower bound is cut, the upper one raised. */
function timestampBound(text: string, side: "min" | "max"): string | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z?)$/.exec(text);
  if (match === null || !fourDigitYear(text)) return undefined;
  const micros = (match[2] ?? "").padEnd(6, "0");
  let cut = `${match[1]}.${micros.slice(0, 3)}`;
  if (side === "max" && micros.slice(3) !== "000") {
    cut = new Date(Date.parse(`${cut}Z`) + 1).toISOString().slice(0, -1);
    if (!fourDigitYear(cut)) return undefined;
  }
  return JSON.stringify(`${cut}${match[3]}`);
}

/** The leaf that a path of members leads to; `undefined` where it leads to none. */
function leafType(schema: DeltaStruct, path: readonly string[]): ColumnType | undefined {
  let type: DeltaType = schema;
  for (const name of path) {
    if (typeof type === "string" || type.type !== "struct") return undefined;
    const field: DeltaField | undefined = type.fields.find((member) => member.name === name);
    if (field === undefined) return undefined;
    type = field.type;
  }
  return typeof type !== "string" && type.type === "struct" ? undefined : typeOf(type, path.join("."));
}

/** Which leaves get statistics: those that the table names, or its first so many (32). */
function indexedLeaves(
  schema: DeltaStruct,
  partitionColumns: readonly string[],
  configuration: Readonly<Record<string, string>>,
): (path: readonly string[]) => boolean {
  const named = configuration["delta.dataSkippingStatsColumns"];
  if (named !== undefined) {
    const wanted = named.split(",").map((name) => name.trim().replaceAll("`", "").toLowerCase());
    return (path) => {
      const name = path.join(".").toLowerCase();
      return wanted.some((column) => name === column || name.startsWith(`${column}.`));
    };
  }
  const asked = Number(configuration["delta.dataSkippingNumIndexedCols"] ?? DEFAULT_INDEXED);
  if (asked < 0) return () => true;
  const count = Number.isInteger(asked) ? asked : DEFAULT_INDEXED;
  const leaves = new Set<string>();
  for (const field of schema.fields)
    if (!partitionColumns.includes(field.name))
      for (const leaf of leavesOf(field.type, [field.name])) {
        if (leaves.size >= count) break;
        leaves.add(leaf);
      }
  return (path) => leaves.has(JSON.stringify(path));
}

function* leavesOf(type: DeltaType, path: readonly string[]): Generator<string> {
  if (typeof type !== "string" && type.type === "struct")
    for (const field of type.fields) yield* leavesOf(field.type, [...path, field.name]);
  else yield JSON.stringify(path);
}
