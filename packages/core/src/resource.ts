import { describeValue } from "./columns/refuse.ts";
import { AlluviumError } from "./errors.ts";
import type { CursorDefinition, ReadRoot, ResourceDefinition } from "./resource-definition.ts";
import type {
  AbilityOfDisposition,
  CursorColumnOf,
  CursorOptions,
  DispositionOption,
  KeyOption,
  PlainResourceOptions,
  SchemaResourceOptions,
  TableOptions,
} from "./resource-options.ts";
import type { ColumnHints } from "./schema/hints.ts";
import { dispositionOf, keyOf, layoutOf } from "./table-options.ts";
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
>(
  options: SchemaResourceOptions<Name, Schema, Column, Option> & KeyOption<OutputOf<Schema>, NoInfer<Option>>,
): Resource<Name, OutputOf<Schema>, AbilityOfDisposition<NoInfer<Option>>>;
export function resource<
  const Name extends string,
  Row extends object,
  const Option extends DispositionOption<Row> = "append",
>(
  options: PlainResourceOptions<Name, Row, Option> & KeyOption<Row, NoInfer<Option>>,
): Resource<Name, Row, AbilityOfDisposition<NoInfer<Option>>>;
export function resource(unchecked: object): unknown {
  const options = unchecked as UncheckedOptions;
  const { name, schema, read, columns = {}, primaryKey } = options;
  if (typeof read !== "function") throw refused(name, "read", read, "a function that yields rows");
  if (schema !== undefined && typeof schema["~standard"]?.validate !== "function")
    throw refused(name, "schema", schema, "a Standard Schema, or typed<Row>()");
  const unknown = Object.keys(options).filter((key) => !known.has(key));
  if (unknown.length > 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${JSON.stringify(name)} has no option ${unknown.join(", ")}; there are ${[...known].join(", ")}`,
      { resource: name },
    );
  const cursor = cursorOf(name, options.cursor);
  if (cursor !== undefined && schema === undefined)
    throw refused(name, "cursor", cursor.column, "left out unless there is a schema; typed<Row>() is one");
  const { disposition, merge } = dispositionOf(name, options.disposition ?? "append");
  const key = keyOf(name, primaryKey);
  if (disposition.kind === "merge" && key.length === 0)
    throw refused(name, "primaryKey", primaryKey, "given for a resource that merges: rows are found by it");
  const root: ReadRoot = {
    kind: "read",
    name,
    schema,
    validate:
      schema !== undefined && schema["~standard"].vendor !== typedVendor && options.validate !== false,
    cursor,
    columns,
    read: read as ReadRoot["read"],
  };
  const definition: ResourceDefinition = {
    name,
    root,
    steps: [],
    table: { primaryKey: key, disposition, merge, ...layoutOf(name, options) },
  };
  return makeResource(definition);
}

/** The options of both overloads, as a caller without types may give them. */
interface UncheckedOptions extends TableOptions<Record<string, unknown>> {
  readonly name: string;
  readonly schema?: RowSchema<unknown, unknown> | undefined;
  readonly validate?: boolean;
  readonly primaryKey?: string | readonly string[];
  readonly cursor?: string | CursorOptions<Record<string, unknown>, string>;
  readonly disposition?: DispositionOption<unknown>;
  readonly columns?: ColumnHints;
  readonly read: unknown;
}

const known: ReadonlySet<string> = new Set([
  "name",
  "schema",
  "validate",
  "primaryKey",
  "cursor",
  "disposition",
  "columns",
  "naming",
  "contract",
  "partitionBy",
  "read",
]);

function cursorOf(name: string, option: UncheckedOptions["cursor"]): CursorDefinition | undefined {
  if (option === undefined) return undefined;
  const spelled = typeof option === "string" ? { column: option } : option;
  const { column, order, nulls = "error" } = spelled;
  if (typeof column !== "string" || column === "")
    throw refused(name, "cursor", option, "the name of a column, or options with its column");
  if (order !== undefined && order !== "ascending")
    throw refused(name, "cursor.order", order, '"ascending", or left out');
  if (!["include", "exclude", "error"].includes(nulls))
    throw refused(name, "cursor.nulls", nulls, '"include", "exclude" or "error"');
  const { initial, lag } = spelled as CursorDefinition;
  return { column, initial, lag, order, nulls };
}

function refused(name: string, option: string, value: unknown, wanted: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `resource ${JSON.stringify(name)}: ${option} is ${describeValue(value)}; it must be ${wanted}`,
    { resource: name },
  );
}
