import { resourceError } from "./errors.ts";
import type { CursorDefinition, ReadRoot } from "./resource-definition.ts";
import type {
  AbilityOfDisposition,
  ColumnOf,
  CursorColumnOf,
  CursorOptions,
  DispositionOption,
  KeyOption,
  PartialOption,
  PlainResourceOptions,
  RowsRead,
  SchemaResourceOptions,
  TableOptions,
} from "./resource-options.ts";
import type { ColumnHints } from "./schema/hints.ts";
import { inferenceOf, type InferenceOptions } from "./inference-option.ts";
import { checksOf } from "./quality/check.ts";
import { dispositionOf, keyOf, layoutOf, oneOf, optionError } from "./table-options.ts";
import { makeResource, type Resource } from "./transform.ts";
import { typedVendor, type OutputOf, type RowSchema } from "./typed.ts";

/**
 * A table-shaped stream of rows that a function of yours reads. Declaring one does nothing; a pipeline reads it.
 *
 * With a `schema` (any Standard Schema, or `typed<Row>()`) rows have its type and are checked by it, and a `cursor` lets each run read only what
 * is new. Without one the rows are what `read` yields, and every run reads all of them.
 *
 * @example
 * ```ts
 * const orders = resource({
 *   name: "orders",
 *   schema: typed<Order>(),
 *   primaryKey: "id",
 *   cursor: "updatedAt",
 *   async *read({ since, signal }) {
 *     yield await fetchOrders(since, signal);
 *   },
 * });
 * ```
 */
export function resource<
  const Name extends string,
  Schema extends RowSchema<unknown, object>,
  const Column extends CursorColumnOf<OutputOf<Schema>> = never,
  const Option extends DispositionOption<OutputOf<Schema>> = "append",
  const Key extends ColumnOf<OutputOf<Schema>> = never,
  const Partially extends boolean = false,
>(
  options: SchemaResourceOptions<Name, Schema, Column, Option> &
    KeyOption<OutputOf<Schema>, NoInfer<Option>, Key> &
    PartialOption<NoInfer<Option>, Partially>,
): Resource<Name, RowsRead<OutputOf<Schema>, Key, Partially>, AbilityOfDisposition<NoInfer<Option>>>;
export function resource<
  const Name extends string,
  Row extends object,
  const Option extends DispositionOption<Row> = "append",
  const Key extends string = never,
  const Partially extends boolean = false,
>(
  options: PlainResourceOptions<Name, Row, Option> &
    KeyOption<Row, NoInfer<Option>> & { readonly primaryKey?: Key | readonly Key[] } & PartialOption<
      NoInfer<Option>,
      Partially
    >,
): Resource<Name, RowsRead<Row, Key, Partially>, AbilityOfDisposition<NoInfer<Option>>>;
export function resource(unchecked: object): unknown {
  const options = unchecked as UncheckedOptions;
  const { name, schema, read, validate, columns = {}, primaryKey, partial = false } = options;
  const refuse = (option: string, value: unknown, wanted: string): never => {
    throw optionError(name, option, value, wanted);
  };
  if (typeof read !== "function") return refuse("read", read, "a function that yields rows");
  const standard = schema?.["~standard"];
  if (schema !== undefined && typeof standard?.validate !== "function")
    refuse("schema", schema, "a Standard Schema, or typed<Row>()");
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length > 0)
    throw resourceError(
      "ALV_CONFIG",
      name,
      `there is no option ${unknown.join(", ")}; there are ${known.join(", ")}`,
    );
  const cursor = cursorOf(name, options.cursor);
  if (cursor !== undefined && schema === undefined)
    refuse("cursor", cursor.column, "left out unless there is a schema; typed<Row>() is one");
  const { disposition, merge } = dispositionOf(name, options.disposition ?? "append");
  const key = keyOf(name, primaryKey);
  if (disposition.kind === "merge" && key.length === 0)
    refuse("primaryKey", primaryKey, "given for a resource that merges: rows are found by it");
  const checks = checksOf(name, options.checks);
  if (typeof partial !== "boolean") refuse("partial", partial, "true or false");
  return makeResource({
    name,
    root: {
      kind: "read",
      name,
      schema,
      validate: schema !== undefined && standard?.vendor !== typedVendor && validate !== false,
      cursor,
      primaryKey: key,
      columns,
      partial,
      inference: inferenceOf(name, options),
      read: read as ReadRoot["read"],
    },
    steps: [],
    table: {
      primaryKey: key,
      disposition,
      merge,
      ...layoutOf(name, options),
      checks: checks && { list: checks, step: 0 },
    },
  });
}

/** The options of both overloads, as a caller without types may give them. */
interface UncheckedOptions extends TableOptions<Record<string, unknown>>, InferenceOptions {
  readonly name: string;
  readonly schema?: RowSchema<unknown, unknown> | undefined;
  readonly validate?: boolean;
  readonly primaryKey?: string | readonly string[];
  readonly cursor?: string | CursorOptions<Record<string, unknown>, string>;
  readonly disposition?: DispositionOption<unknown>;
  readonly columns?: ColumnHints;
  readonly partial?: boolean;
  readonly read: unknown;
}

const known: readonly string[] = [
  "name",
  "schema",
  "validate",
  "primaryKey",
  "cursor",
  "disposition",
  "columns",
  "infer",
  "columnPatterns",
  "naming",
  "nesting",
  "contract",
  "quarantine",
  "checks",
  "partial",
  "partitionBy",
  "read",
];

function cursorOf(name: string, option: UncheckedOptions["cursor"]): CursorDefinition | undefined {
  if (option === undefined) return undefined;
  const spelled = typeof option === "string" ? { column: option } : option;
  const { column, initial, lag, order, nulls = "error" } = spelled as Partial<CursorDefinition>;
  if (typeof column !== "string" || column === "")
    throw optionError(name, "cursor", option, "the name of a column, or options with its column");
  oneOf(name, "cursor.order", order, ["ascending"], ", or left out");
  oneOf(name, "cursor.nulls", nulls, ["include", "exclude", "error"]);
  return { column, initial, lag, order, nulls };
}
