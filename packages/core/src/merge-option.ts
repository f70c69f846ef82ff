import { validityColumns, type MergeOptions, type MergeStrategy, type Validity } from "./disposition.ts";
import { resourceError, type AlluviumError } from "./errors.ts";
import { describeValue } from "./columns/refuse.ts";

/** Options of a merge as a caller without types may give them. */
export type MergeSpelling = { readonly merge: unknown } & { readonly [option: string]: unknown };

const order = ["orderBy", "deleteFlag"];

/** The options that each strategy has beside `merge`. */
const optionsOf: { readonly [Strategy in MergeStrategy]: readonly string[] } = {
  upsert: order,
  insertOnly: [],
  deleteInsert: ["mergeKey", ...order],
  scd2: ["validFrom", "validTo", "active", "boundary", "retireAbsent", ...order],
};

/** The strategies, as messages list them. */
export const mergeStrategies: readonly MergeStrategy[] = Object.keys(optionsOf) as MergeStrategy[];

/** The options of a merge. Throws `ALV_CONFIG` for one that the strategy does not have, or that is not what it must be. */
export function mergeOptionsOf(
  resource: string,
  strategy: MergeStrategy,
  option: MergeSpelling,
): MergeOptions {
  const known = optionsOf[strategy];
  for (const name of Object.keys(option)) {
    if (name === "merge" || known.includes(name)) continue;
    const others = mergeStrategies.filter((other) => optionsOf[other].includes(name));
    throw refused(
      resource,
      `disposition has ${name}, which ${
        others.length > 0
          ? `belongs to { merge: ${others.map((other) => `"${other}"`).join(" | ")} }`
          : "no disposition has"
      }; { merge: "${strategy}" } ${known.length === 0 ? "has no further options" : `has ${known.join(", ")}`}`,
    );
  }
  const column = (name: string): string | undefined => {
    const value = option[name];
    if (value === undefined || isName(value)) return value;
    throw refused(
      resource,
      `disposition.${name} is ${describeValue(value)}; it must be the name of a column`,
    );
  };
  return {
    orderBy: column("orderBy"),
    deleteFlag: column("deleteFlag"),
    ...(strategy === "deleteInsert" && { mergeKey: mergeKeyOf(resource, option["mergeKey"]) }),
    ...(strategy === "scd2" && { validity: validityOf(resource, option, column) }),
  };
}

function mergeKeyOf(resource: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const columns: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (columns.length > 0 && columns.every(isName) && new Set(columns).size === columns.length) return columns;
  throw refused(
    resource,
    `disposition.mergeKey is ${describeValue(value)}; it must be a column, or several, each once`,
  );
}

function validityOf(
  resource: string,
  { boundary, retireAbsent = false }: MergeSpelling,
  column: (name: string) => string | undefined,
): Validity {
  const names = {
    from: column("validFrom") ?? validityColumns.from,
    to: column("validTo") ?? validityColumns.to,
    active: column("active") ?? validityColumns.active,
  };
  if (new Set(Object.values(names)).size < 3)
    throw refused(
      resource,
      `disposition names ${names.from}, ${names.to} and ${names.active} for validFrom, validTo and active; they must be three columns`,
    );
  if (typeof retireAbsent !== "boolean")
    throw refused(
      resource,
      `disposition.retireAbsent is ${describeValue(retireAbsent)}; it must be true or false`,
    );
  return { ...names, boundary: boundaryOf(resource, boundary), retireAbsent };
}

function boundaryOf(resource: string, value: unknown): Validity["boundary"] {
  if (value === undefined) return undefined;
  if (isName(value)) return { column: value };
  if (value instanceof Date && !Number.isNaN(value.getTime())) return { at: value.getTime() };
  throw refused(
    resource,
    `disposition.boundary is ${describeValue(value)}; it must be the name of a column with a time, or a Date`,
  );
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function refused(resource: string, why: string): AlluviumError {
  return resourceError("ALV_CONFIG", resource, why);
}
