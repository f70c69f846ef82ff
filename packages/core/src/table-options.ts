import { describeValue } from "./columns/refuse.ts";
import type { Condition, Disposition, MergeOptions, Where } from "./disposition.ts";
import { AlluviumError } from "./errors.ts";
import type { TableDefinition } from "./resource-definition.ts";
import type { Bounds, DispositionOption, TableOptions } from "./resource-options.ts";
import type { Partition } from "./stream.ts";

/** The disposition that an option spells. Throws `ALV_CONFIG` for one that is none. */
export function dispositionOf(
  resource: string,
  option: DispositionOption<unknown>,
): { readonly disposition: Disposition; readonly merge: MergeOptions | undefined } {
  const merge = undefined;
  if (option === "append") return { disposition: { kind: "append" }, merge };
  if (option === "replace") return { disposition: { kind: "replace", allowEmpty: false }, merge };
  if (option === "merge") return { disposition: { kind: "merge", strategy: "upsert" }, merge };
  if (typeof option === "object" && option !== null) {
    if ("append" in option)
      return {
        disposition: { kind: "append", replaceWhere: whereOf(resource, option.append.replaceWhere) },
        merge,
      };
    if ("replace" in option) {
      const { replace, allowEmpty = false } = option;
      if (replace === "all") return { disposition: { kind: "replace", allowEmpty }, merge };
      return {
        disposition: { kind: "replace", where: whereOf(resource, replace.where), allowEmpty },
        merge,
      };
    }
    if ("merge" in option && strategies.includes(option.merge)) {
      const { merge: strategy, orderBy, deleteFlag } = option;
      return {
        disposition: { kind: "merge", strategy },
        merge: {
          ...(orderBy === undefined ? {} : { orderBy }),
          ...(deleteFlag === undefined ? {} : { deleteFlag }),
        },
      };
    }
  }
  throw new AlluviumError(
    "ALV_CONFIG",
    `resource ${JSON.stringify(resource)}: disposition is ${describeValue(option)}; it must be "append", "replace", "merge", { append: { replaceWhere } }, { replace: "all" | { where } } or { merge: ${strategies.map((name) => JSON.stringify(name)).join(" | ")} }`,
    { resource },
  );
}

const strategies: readonly string[] = ["upsert", "insertOnly", "deleteInsert", "scd2"];
const operators: readonly string[] = ["<", "<=", ">", ">="];

function whereOf(resource: string, option: object | undefined): Where {
  const conditions: Condition[] = [];
  for (const [column, value] of Object.entries(option ?? {})) {
    if (Array.isArray(value)) conditions.push({ column, op: "in", value });
    else if (isBounds(value))
      for (const [op, bound] of Object.entries(value))
        conditions.push({ column, op: op as keyof Bounds, value: bound });
    else if (value !== undefined && value !== null) conditions.push({ column, op: "=", value });
  }
  if (conditions.length > 0) return conditions;
  throw new AlluviumError(
    "ALV_CONFIG",
    `resource ${JSON.stringify(resource)}: the conditions are ${describeValue(option)}, which say nothing; name at least one column, as in { country: "CH" } or { day: { ">=": "2024-01-01" } }`,
    { resource },
  );
}

function isBounds(value: unknown): value is Bounds {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length > 0 &&
    Object.keys(value).every((key) => operators.includes(key))
  );
}

/** A primary key as a list of columns. */
export function keyOf(resource: string, key: string | readonly string[] | undefined): readonly string[] {
  const columns = key === undefined ? [] : typeof key === "string" ? [key] : key;
  if (new Set(columns).size === columns.length && columns.every((column) => typeof column === "string"))
    return columns;
  throw new AlluviumError(
    "ALV_CONFIG",
    `resource ${JSON.stringify(resource)}: primaryKey is ${describeValue(key)}; it must name each column once`,
    { resource },
  );
}

/** The parts of a table's definition that options of the same names spell; what they leave out is `undefined`. */
export function layoutOf<Row>(
  resource: string,
  options: TableOptions<Row>,
): Pick<TableDefinition, "partitionBy" | "naming" | "contract"> {
  const { naming, contract, partitionBy } = options;
  if (naming !== undefined && naming !== "snake" && naming !== "keep" && typeof naming !== "function")
    throw refused(resource, "naming", naming, '"snake", "keep" or a function of the name');
  if (contract !== undefined && contract !== "evolve" && contract !== "freeze")
    throw refused(resource, "contract", contract, '"evolve" or "freeze"');
  return {
    naming,
    contract,
    partitionBy: partitionBy?.map((partition): Partition =>
      typeof partition === "string" ? { column: partition } : (partition as Partition),
    ),
  };
}

function refused(resource: string, option: string, value: unknown, wanted: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `resource ${JSON.stringify(resource)}: ${option} is ${describeValue(value)}; it must be ${wanted}`,
    { resource },
  );
}
