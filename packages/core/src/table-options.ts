import { checkContract } from "./contract.ts";
import { describeValue } from "./columns/refuse.ts";
import type { Condition, Disposition, MergeOptions, MergeStrategy, Where } from "./disposition.ts";
import { mergeOptionsOf, mergeStrategies, type MergeSpelling } from "./merge-option.ts";
import { resourceError, type AlluviumError } from "./errors.ts";
import type { TableDefinition } from "./resource-definition.ts";
import { nestingOf } from "./nesting-option.ts";
import type { Bounds, DispositionOption, NestingOption, TableOptions } from "./resource-options.ts";
import { checkLimits } from "./quarantine-limits.ts";
import type { Partition } from "./stream.ts";

/** The disposition that an option spells. Throws `ALV_CONFIG` for one that is none, and for what it does not have or cannot be. */
export function dispositionOf(
  resource: string,
  option: DispositionOption<unknown>,
): { readonly disposition: Disposition; readonly merge: MergeOptions | undefined } {
  if (option === "append") return { disposition: { kind: "append" }, merge: undefined };
  const spelled =
    option === "replace" ? { replace: "all" } : option === "merge" ? { merge: "upsert" } : option;
  const {
    append,
    replace,
    merge,
    allowEmpty = false,
  } = (typeof spelled === "object" && spelled !== null ? spelled : {}) as Spelled;
  if (append !== undefined) {
    refuseOthers(resource, spelled as object, ["append"]);
    return {
      disposition: { kind: "append", replaceWhere: whereOf(resource, append?.replaceWhere) },
      merge: undefined,
    };
  }
  if (replace !== undefined) {
    refuseOthers(resource, spelled as object, ["replace", "allowEmpty"]);
    if (typeof allowEmpty !== "boolean")
      throw optionError(resource, "disposition.allowEmpty", allowEmpty, "true or false");
    const where = replace === "all" ? {} : { where: whereOf(resource, replace?.where) };
    return { disposition: { kind: "replace", ...where, allowEmpty }, merge: undefined };
  }
  if (mergeStrategies.includes(merge as MergeStrategy)) {
    const strategy = merge as MergeStrategy;
    return {
      disposition: { kind: "merge", strategy },
      merge: mergeOptionsOf(resource, strategy, spelled as MergeSpelling),
    };
  }
  throw optionError(
    resource,
    "disposition",
    option,
    `"append", "replace", "merge", { append: { replaceWhere } }, { replace: "all" | { where } } or { merge: ${mergeStrategies.map((name) => JSON.stringify(name)).join(" | ")} }`,
  );
}

/** An option as a caller without types may give it. */
interface Spelled {
  readonly append?: { readonly replaceWhere?: object };
  readonly replace?: "all" | { readonly where?: object };
  readonly allowEmpty?: unknown;
  readonly merge?: unknown;
}

function refuseOthers(resource: string, spelled: object, known: readonly string[]): void {
  for (const name of Object.keys(spelled))
    if (!known.includes(name))
      throw resourceError(
        "ALV_CONFIG",
        resource,
        `disposition has ${name}, which { ${known[0]} } does not; ${known.length === 1 ? "it has no further options" : `it has ${known.slice(1).join(", ")}`}`,
      );
}

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
  throw optionError(
    resource,
    "the condition",
    option,
    'one on at least one column, as in { country: "CH" } or { day: { ">=": "2024-01-01" } }',
  );
}

function isBounds(value: unknown): value is Bounds {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return (
    Object.getPrototypeOf(value) === Object.prototype &&
    keys.length > 0 &&
    keys.every((key) => /^[<>]=?$/.test(key))
  );
}

/** A primary key as a list of columns. */
export function keyOf(resource: string, key: string | readonly string[] | undefined): readonly string[] {
  const columns = key === undefined ? [] : typeof key === "string" ? [key] : key;
  if (new Set(columns).size === columns.length && columns.every((column) => typeof column === "string"))
    return columns;
  throw optionError(resource, "primaryKey", key, "columns, each once");
}

/** The parts of a table's definition that options of the same names spell; what they leave out is `undefined`. */
export function layoutOf<Row>(
  resource: string,
  options: TableOptions<Row>,
): Pick<TableDefinition, "partitionBy" | "naming" | "contract" | "nesting" | "quarantine"> {
  const { naming, contract, nesting, partitionBy, quarantine } = options;
  if (typeof naming !== "function")
    oneOf(resource, "naming", naming, ["snake", "keep"], " or a function of the name");
  const refuse = (option: string, value: unknown, wanted: string): AlluviumError =>
    optionError(resource, option, value, wanted);
  checkContract(contract, refuse);
  checkLimits(quarantine, refuse);
  if (partitionBy !== undefined && !Array.isArray(partitionBy)) throw badPartition(resource, partitionBy);
  return {
    naming,
    contract,
    quarantine,
    nesting: nestingOf(resource, nesting as NestingOption | undefined),
    partitionBy: (partitionBy as readonly unknown[] | undefined)?.map((partition) => {
      const spelled = typeof partition === "string" ? { column: partition } : (partition as Partition);
      if (typeof spelled?.column !== "string") throw badPartition(resource, partition);
      return spelled;
    }),
  };
}

function badPartition(resource: string, value: unknown): AlluviumError {
  return optionError(
    resource,
    "partitionBy",
    value,
    'a list of columns, or parts of dates such as day("createdAt")',
  );
}

/** Refuses a text that is not one of `values`; it may be left out. */
export function oneOf(
  resource: string,
  option: string,
  value: unknown,
  values: readonly string[],
  others: string = "",
): void {
  if (value !== undefined && !values.includes(value as string))
    throw optionError(resource, option, value, values.map((one) => JSON.stringify(one)).join(", ") + others);
}

/** The error of an option of a resource that is not what it must be. */
export function optionError(resource: string, option: string, value: unknown, wanted: string): AlluviumError {
  return resourceError("ALV_CONFIG", resource, `${option} is ${describeValue(value)}; it must be ${wanted}`);
}
