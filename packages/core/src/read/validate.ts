import { describeValue } from "../columns/refuse.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import { messageOf } from "../run/retry.ts";
import type { RowSchema, ValidationIssue, ValidationResult } from "../typed.ts";

/** Checks a row by its schema: the row as the schema makes it, at once or later. Refused: `ALV_ROW_INVALID`. */
export function validateRow(
  schema: RowSchema<unknown, unknown>,
  row: unknown,
  resource: string,
  number: number,
): unknown {
  let result: ValidationResult | Promise<ValidationResult>;
  try {
    result = schema["~standard"].validate(row);
  } catch (error) {
    throw schemaFailed(error, resource, number);
  }
  if (result instanceof Promise)
    return result.then(
      (later) => accepted(later, row, resource, number),
      (error: unknown) => {
        throw schemaFailed(error, resource, number);
      },
    );
  return accepted(result, row, resource, number);
}

function schemaFailed(cause: unknown, resource: string, number: number): AlluviumError {
  const why = `its schema threw for row ${number}: ${messageOf(cause)}`;
  return resourceError("ALV_SOURCE_FAILED", resource, why, { cause });
}

function accepted(result: ValidationResult, row: unknown, resource: string, number: number): unknown {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, 3).map((issue) => describeIssue(issue, row));
  const more = result.issues.length - issues.length;
  const error = new AlluviumError(
    "ALV_ROW_INVALID",
    `resource ${JSON.stringify(resource)}: row ${number} is refused by its schema: ${issues.join("; ")}${more > 0 ? `; and ${more} more` : ""}. Mend it in read, or let the schema accept it`,
    { resource },
  );
  refusals.set(error, result.issues.map(pathOf));
  throw error;
}

type Path = readonly PropertyKey[];

/** Where the values stand that a schema refused, by the error that was thrown for them. */
const refusals = new WeakMap<AlluviumError, readonly Path[]>();

function pathOf({ path = [] }: ValidationIssue): Path {
  return path.map((step) => (typeof step === "object" ? step.key : step));
}

/** The one value for which a row was refused, as `address.zip`; `undefined`: there are several, or it is the row as a whole. */
export function refusedColumn(error: AlluviumError): string | undefined {
  const paths = refusals.get(error);
  if (paths === undefined) return /column "([^"]+)"/.exec(error.message)?.[1];
  const names = new Set(paths.map((path) => path.map(String).join(".")));
  const [only] = names;
  return names.size === 1 && only !== "" ? only : undefined;
}

/** A row without the values for which it was refused, and how many these are; `undefined` where there is no such row. */
export function withoutRefused(
  row: unknown,
  error: AlluviumError,
): { readonly row: object; readonly values: number } | undefined {
  const column = refusedColumn(error);
  const paths = refusals.get(error) ?? (column === undefined ? [] : [[column]]);
  if (typeof row !== "object" || row === null || paths.length === 0) return undefined;
  let copy: unknown = row;
  // Elements of lists from the last one on, so that the places of the others stay what they are.
  const distinct = [...new Map(paths.map((path) => [JSON.stringify(path.map(String)), path])).values()];
  for (const path of distinct.toSorted(fromTheEnd)) copy = copy && without(copy, path);
  return copy === undefined ? undefined : { row: copy as object, values: distinct.length };
}

function fromTheEnd(a: Path, b: Path): number {
  return Number(b.at(-1)) - Number(a.at(-1)) || 0;
}

/** A copy of a value without what stands at `path`; `undefined` where nothing does. */
function without(value: unknown, [step, ...rest]: Path): unknown {
  if (typeof value !== "object" || value === null || step === undefined) return undefined;
  const isList = Array.isArray(value);
  const isPlain = isList || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
  if (!isPlain || !Object.hasOwn(value, step)) return undefined;
  if (rest.length === 0) {
    if (isList) return value.toSpliced(Number(step), 1);
    const { [step]: left, ...others } = value as Record<PropertyKey, unknown>;
    void left;
    return others;
  }
  const inner = without((value as Record<PropertyKey, unknown>)[step], rest);
  if (inner === undefined) return undefined;
  return isList ? value.with(Number(step), inner) : { ...value, [step]: inner };
}

function describeIssue({ message, path = [] }: ValidationIssue, row: unknown): string {
  let text = "";
  let value = row;
  for (const step of path) {
    const key = typeof step === "object" ? step.key : step;
    text += typeof key === "number" ? `[${key}]` : text === "" ? String(key) : `.${String(key)}`;
    value =
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  }
  return `${text === "" ? "the row" : text} is ${describeValue(value)} (${message})`;
}
