import { inspect } from "node:util";
import { AlluviumError } from "../errors.ts";
import { isRawJson } from "./raw-json.ts";

const SHOWN = 80;

/** A value as an error message shows it: shortened. */
export function describeValue(value: unknown): string {
  const text =
    typeof value === "string"
      ? JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
      : typeof value === "bigint"
        ? `${value}n`
        : isRawJson(value)
          ? value.rawJSON
          : inspect(value, { depth: 1, maxArrayLength: 3, maxStringLength: 40, breakLength: Infinity });
  return text.length > SHOWN + 3 ? `${text.slice(0, SHOWN)}…` : text;
}

/** The error of a row that cannot be stored. `row` counts from 1. */
export function rowRefused(
  row: number,
  path: string,
  value: unknown,
  why: string,
  cause?: unknown,
): AlluviumError {
  return new AlluviumError(
    "ALV_ROW_INVALID",
    `row ${row}, column "${path}": ${describeValue(value)} ${why}`,
    {
      cause,
    },
  );
}
