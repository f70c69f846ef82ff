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
  throw new AlluviumError(
    "ALV_ROW_INVALID",
    `resource ${JSON.stringify(resource)}: row ${number} is refused by its schema: ${issues.join("; ")}${more > 0 ? `; and ${more} more` : ""}. Mend it in read, or let the schema accept it`,
    { resource },
  );
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
