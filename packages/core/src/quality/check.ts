import { describeValue } from "../columns/refuse.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import type { ColumnOf, Duration } from "../resource-options.ts";

/**
 * What follows when a check fails. `error`: before the commit the load does not happen, after it the run fails; `ALV_CHECK_FAILED` either way.
 * `warn`: it is recorded. `quarantine`: it is recorded, and the rows go into the table's quarantine instead of the table.
 */
export type CheckSeverity = "error" | "warn" | "quarantine";

/** A value of a check: in user form, of the column's type (decimals as text, dates and times as text or `Date`). */
export type CheckValue = string | number | bigint | boolean | Date;

/** What a source says of itself: a number, exact as a bigint or a decimal text, or a function that finds it out. */
export type SourceFigure =
  | number
  | bigint
  | string
  | ((context: {
      readonly signal: AbortSignal;
    }) => number | bigint | string | Promise<number | bigint | string>);

/** What a check asks. Columns are the resource's. */
export type CheckRule =
  | { readonly kind: "notNull" }
  | { readonly kind: "unique" }
  | { readonly kind: "accepted"; readonly values: readonly CheckValue[] }
  | { readonly kind: "range"; readonly min?: CheckValue; readonly max?: CheckValue }
  | { readonly kind: "pattern"; readonly pattern: RegExp }
  | FunctionRule
  | { readonly kind: "rowCount"; readonly min?: number; readonly max?: number }
  | { readonly kind: "freshness"; readonly within: Duration }
  | { readonly kind: "references"; readonly table: string; readonly columns: readonly string[] }
  | {
      readonly kind: "reconcile";
      readonly rows?: SourceFigure;
      readonly sums?: { readonly [column: string]: SourceFigure };
      readonly tolerance?: number;
    }
  | { readonly kind: "sql"; readonly text: string };

/** What a function of rows asks. */
export interface FunctionRule<Row = never> {
  readonly kind: "check";
  /** Whether a row is as it must be; promises are waited for. */
  readonly holds: (row: Row) => unknown;
}

/** A rule of data quality, as plain data; made by {@link notNull}, {@link range} and the like for the option `checks` of a resource. */
export interface Check<Column extends string = string> {
  /** Names it in reports and in `_alv_checks`: `notNull(email)`. Each check of a resource has its own. */
  readonly name: string;
  readonly rule: CheckRule;
  /** The columns that it looks at; empty: rows or the table as a whole. */
  readonly columns: readonly Column[];
  readonly severity: CheckSeverity;
  /** Whether it looks at what is about to be committed, or at the table as it is after the run. */
  readonly when: "before" | "after";
  /** Whether values may be shown. */
  readonly examples: boolean;
  /** Of a child table's check: the path of the list. */
  readonly list?: string | undefined;
}

/** A check by a function of rows; made by {@link check}. */
export interface FunctionCheck<Row> extends Check<never> {
  readonly rule: FunctionRule<Row>;
}

/** A check of columns, or of the table as a whole. */
export interface ColumnCheck<Column extends string> extends Check<Column> {
  readonly rule: Exclude<CheckRule, FunctionRule>;
}

/** The option `checks` of a resource with such rows. */
export type ChecksOption<Row> = readonly (ColumnCheck<ColumnOf<Row>> | FunctionCheck<Row>)[];

/** Options of every check. */
export interface CheckOptions {
  /** @default from the rule and its columns: `range(total)` */
  readonly name?: string;
  /** What follows when it fails. @default "error" */
  readonly severity?: "error" | "warn";
  /** Whether it looks at what is about to be committed, or at the table as it is after the run. */
  readonly when?: "before" | "after";
  /** Whether values that failed are shown in reports, messages and `_alv_checks`. Those of masked columns never are. @default true */
  readonly examples?: boolean;
}

/** Options of checks of single rows. By default they look at rows before the commit. */
export interface RowCheckOptions extends Omit<CheckOptions, "severity"> {
  /** What follows when it fails; `"quarantine"` only before the commit. @default "error" */
  readonly severity?: CheckSeverity;
}

type Columns<Column> = Column | readonly Column[];

/**
 * No nulls in a column, or in any of several.
 *
 * @example
 * ```ts
 * const check = notNull(["id", "email"], { severity: "quarantine" });
 * ```
 */
export function notNull<const Column extends string>(
  columns: Columns<Column>,
  options: RowCheckOptions = {},
): ColumnCheck<Column> {
  return make({ kind: "notNull" }, columns, options, "before");
}

/**
 * No value twice in a column, or in several columns together. Rows with a null in one of them are not looked at. By default the whole table is
 * looked at after the run, of an `scd2` table its active versions; `when: "before"` compares the rows of a load with one another only, so that the
 * load can be stopped, or all but the first go into quarantine.
 *
 * @example
 * ```ts
 * const check = unique(["shop", "number"]);
 * ```
 */
export function unique<const Column extends string>(
  columns: Columns<Column>,
  options: RowCheckOptions = {},
): ColumnCheck<Column> {
  return make({ kind: "unique" }, columns, options, options.severity === "quarantine" ? "before" : "after");
}

/**
 * Only these values; null passes.
 *
 * @example
 * ```ts
 * const check = accepted("status", ["open", "paid"]);
 * ```
 */
export function accepted<const Column extends string>(
  column: Column,
  values: readonly CheckValue[],
  options: RowCheckOptions = {},
): ColumnCheck<Column> {
  if (!Array.isArray(values) || values.length === 0)
    throw wrong(`accepted(${column})`, "values", values, "a list of at least one value");
  return make({ kind: "accepted", values }, column, options, "before");
}

/**
 * No value below `min` or above `max`, both inclusive; null passes. Integers, decimals and times are compared exactly.
 *
 * @example
 * ```ts
 * const check = range("total", { min: 0, max: "9999.99" });
 * ```
 */
export function range<const Column extends string>(
  column: Column,
  { min, max }: { readonly min?: CheckValue; readonly max?: CheckValue },
  options: RowCheckOptions = {},
): ColumnCheck<Column> {
  if (min === undefined && max === undefined)
    throw wrong(`range(${column})`, "its bounds", undefined, "{ min }, { max } or both");
  return make(
    { kind: "range", ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    column,
    options,
    "before",
  );
}

/**
 * Only texts that the expression matches; null passes. Anchor it (`^…$`) if all of the text counts.
 *
 * @example
 * ```ts
 * const check = pattern("email", /^[^@\s]+@[^@\s]+$/);
 * ```
 */
export function pattern<const Column extends string>(
  column: Column,
  expression: RegExp,
  options: RowCheckOptions = {},
): ColumnCheck<Column> {
  if (!(expression instanceof RegExp))
    throw wrong(`pattern(${column})`, "its expression", expression, "a RegExp");
  return make({ kind: "pattern", pattern: expression }, column, options, "before");
}

/**
 * What holds for each row, by a function of yours, which names the type of its rows. It sees them as transforms do, after all of them, before the
 * commit.
 *
 * @example
 * ```ts
 * const total = check("open orders have a total", (order: Order) => !order.open || order.total !== null);
 * ```
 */
export function check<Row>(
  name: string,
  holds: (row: Row) => boolean | Promise<boolean>,
  options: Omit<RowCheckOptions, "name" | "when"> = {},
): FunctionCheck<Row> {
  if (typeof name !== "string" || name === "") throw wrong("check()", "its name", name, "a text");
  if (typeof holds !== "function")
    throw wrong(`check ${name}`, "its condition", holds, "a function of a row");
  return make(
    { kind: "check", holds: holds as never },
    [],
    { ...options, name },
    "before",
  ) as FunctionCheck<Row>;
}

/**
 * At least `min` and at most `max` rows. By default in the table after the run; before the commit: that the run has read for the table by the
 * end of its stream.
 *
 * @example
 * ```ts
 * const check = rowCount({ min: 1000 }, { when: "before" });
 * ```
 */
export function rowCount(
  { min, max }: { readonly min?: number; readonly max?: number },
  options: CheckOptions = {},
): ColumnCheck<never> {
  for (const [name, value] of [
    ["min", min],
    ["max", max],
  ] as const)
    if (value !== undefined && !(Number.isInteger(value) && value >= 0))
      throw wrong("rowCount()", name, value, "a number of rows");
  if (min === undefined && max === undefined)
    throw wrong("rowCount()", "its bounds", undefined, "{ min }, { max } or both");
  const bounds = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
  return make({ kind: "rowCount", ...bounds }, [], options, "after");
}

/**
 * The newest value of a column of dates or timestamps is no older than that, and there is one. By default in the table after the run, also of
 * one that found nothing new; before the commit: among the rows that the run has read. What has no zone counts as UTC.
 *
 * @example
 * ```ts
 * const check = freshness("updatedAt", { hours: 6 }, { severity: "warn" });
 * ```
 */
export function freshness<const Column extends string>(
  column: Column,
  within: Duration,
  options: CheckOptions = {},
): ColumnCheck<Column> {
  const parts = typeof within === "object" && within !== null ? Object.values(within) : [];
  if (parts.length === 0 || !parts.every((part) => typeof part === "number" && part >= 0))
    throw wrong(`freshness(${column})`, "its time span", within, "one such as { hours: 6 }");
  return make({ kind: "freshness", within }, column, options, "after");
}

/**
 * Each value of the column, or of several columns together, is in another committed table of the destination; rows with a null in one of them
 * pass. It runs after the commit. Names in `to` are the destination's.
 *
 * @example
 * ```ts
 * const check = references("customerId", { table: "customers", columns: "id" });
 * ```
 */
export function references<const Column extends string>(
  columns: Columns<Column>,
  to: { readonly table: string; readonly columns: string | readonly string[] },
  options: Omit<CheckOptions, "when"> = {},
): ColumnCheck<Column> {
  const own = listOf(columns);
  const others = listOf(to?.columns);
  if (typeof to?.table !== "string" || others.length !== own.length)
    throw wrong(
      `references(${own.join(", ")})`,
      "its target",
      to,
      `{ table, columns } with ${own.length} ${own.length === 1 ? "column" : "columns"}`,
    );
  return make({ kind: "references", table: to.table, columns: others }, columns, options, "after");
}

/**
 * The number of rows, and sums of columns, are what the source says. By default of the whole table after the run; before the commit: of what
 * the run has read for the table. Sums of integers and decimals are exact; `tolerance` is how far figures may be apart (default: 0, sums of
 * floats a billionth of the figure).
 *
 * @example
 * ```ts
 * const check = reconcile({ rows: async ({ signal }) => (await fetchPage(0, signal)).length, sums: { total: "1250.40" } });
 * ```
 */
export function reconcile(
  figures: { readonly rows: SourceFigure; readonly sums?: undefined; readonly tolerance?: number },
  options?: CheckOptions,
): ColumnCheck<never>;
export function reconcile<const Column extends string>(
  figures: {
    readonly rows?: SourceFigure;
    readonly sums: { readonly [Name in Column]: SourceFigure };
    readonly tolerance?: number;
  },
  options?: CheckOptions,
): ColumnCheck<Column>;
export function reconcile(
  figures: {
    readonly rows?: SourceFigure;
    readonly sums?: { readonly [column: string]: SourceFigure } | undefined;
    readonly tolerance?: number;
  },
  options: CheckOptions = {},
): ColumnCheck<string> {
  const { rows, sums, tolerance } = figures;
  const columns = Object.keys(sums ?? {});
  if (rows === undefined && columns.length === 0)
    throw wrong("reconcile()", "its figures", figures, "{ rows }, { sums } or both");
  if (tolerance !== undefined && !(tolerance >= 0))
    throw wrong("reconcile()", "tolerance", tolerance, "a number of at least 0");
  const { name = "reconcile" } = options;
  return make(
    {
      kind: "reconcile",
      ...(rows !== undefined && { rows }),
      ...(sums !== undefined && { sums }),
      ...(tolerance !== undefined && { tolerance }),
    },
    columns,
    { ...options, name },
    "after",
  );
}

/**
 * A query that finds no rows, in the destination's SQL: each row that it finds is a failure. `{table}` in it is the resource's table, quoted and
 * with its schema. Runs after the commit, in destinations that have SQL.
 *
 * @example
 * ```ts
 * const check = sqlCheck("no order before its customer", "select id from {table} where created_at < customer_since");
 * ```
 */
export function sqlCheck(
  name: string,
  text: string,
  options: Omit<CheckOptions, "name" | "when"> = {},
): ColumnCheck<never> {
  if (typeof name !== "string" || name === "") throw wrong("sqlCheck()", "its name", name, "a text");
  if (typeof text !== "string" || text.trim() === "") throw wrong(`check ${name}`, "its query", text, "SQL");
  return make({ kind: "sql", text }, [], { ...options, name }, "after");
}

/**
 * Checks of the elements of a list, in the child table that they have with nesting `"tables"`: columns are members of the elements, `value` the element
 * itself, `key` of a map its key. Before the commit a row fails as a whole with its elements.
 *
 * @example
 * ```ts
 * const ofItems = each("items", notNull("sku"), range("quantity", { min: 1 }));
 * ```
 */
export function each(list: string, ...checks: readonly ColumnCheck<string>[]): readonly ColumnCheck<never>[] {
  if (typeof list !== "string" || list === "")
    throw wrong("each()", "its list", list, 'a path such as "items"');
  return checks.map((check) => {
    if ((check.rule as CheckRule).kind === "check")
      throw wrong("each()", "a check", check.name, "one of columns; a function of rows sees their lists");
    return { ...(check as ColumnCheck<never>), list, name: `${list}: ${check.name}` };
  });
}

function make<Column extends string, Rule extends CheckRule>(
  rule: Rule,
  columns: Columns<Column>,
  options: RowCheckOptions,
  usually: Check["when"],
): Check<Column> & { readonly rule: Rule } {
  const own = listOf(columns);
  const called = `${rule.kind}${own.length === 0 ? "" : `(${own.join(", ")})`}`;
  const { name = called, severity = "error", when = usually, examples = true } = options;
  if (own.some((column) => typeof column !== "string" || column === "") || new Set(own).size < own.length)
    throw wrong(rule.kind, "its columns", String(columns), "names of columns, each once");
  if (own.length === 0 && (rule.kind === "notNull" || rule.kind === "unique"))
    throw wrong(rule.kind, "its columns", "", "names of columns, each once");
  if (typeof name !== "string" || name === "") throw wrong(called, "name", name, "a text");
  if (!severities.includes(severity))
    throw wrong(name, "severity", severity, '"error", "warn" or "quarantine"');
  if (when !== "before" && when !== "after") throw wrong(name, "when", when, '"before" or "after"');
  if (typeof examples !== "boolean") throw wrong(name, "examples", examples, "true or false");
  const isTable = tableRules.includes(rule.kind);
  if (severity === "quarantine" && (isTable || when === "after"))
    throw wrong(
      name,
      "severity",
      severity,
      `"error" or "warn": ${isTable ? "it is about the table, not about single rows" : "rows that are committed are not taken out of their table"}`,
    );
  if (when === "before" && (rule.kind === "references" || rule.kind === "sql"))
    throw wrong(name, "when", when, '"after": it looks at committed tables');
  if (when === "after" && rule.kind === "check")
    throw wrong(name, "when", when, '"before": rows of a table are not those that its function takes');
  return { name, rule, columns: own, severity, when, examples };
}

const severities: readonly unknown[] = ["error", "warn", "quarantine"] satisfies CheckSeverity[];

/** The rules about a table as a whole. */
const tableRules: readonly string[] = ["rowCount", "freshness", "references", "reconcile", "sql"];

function listOf<Item>(some: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(some) ? (some as readonly Item[]) : [some as Item];
}

function wrong(what: string, option: string, value: unknown, wanted: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `${what}: ${option} is ${describeValue(value)}; it must be ${wanted}`,
  );
}

/** The option `checks` of a resource. Throws `ALV_CONFIG` for what is no check, and for two of one name. */
export function checksOf(resource: string, option: unknown): readonly Check[] | undefined {
  if (option === undefined) return undefined;
  const checks = Array.isArray(option) ? (option as readonly Partial<Check>[]) : [undefined];
  const made = checks.every((one) => typeof one?.rule?.kind === "string" && typeof one.name === "string");
  if (!made)
    throw resourceError(
      "ALV_CONFIG",
      resource,
      "checks must be a list of checks, as notNull(), range() and the like make them",
    );
  const names = checks.map((one) => one!.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw resourceError(
      "ALV_CONFIG",
      resource,
      `two of its checks are called ${JSON.stringify(twice)}, and results go by the name; give one another with { name }`,
    );
  return checks as readonly Check[];
}
