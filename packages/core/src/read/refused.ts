import type { AlluviumError } from "../errors.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { Json } from "../state/json.ts";
import { refusedColumn } from "./validate.ts";
import { plainJson, refusedJson } from "./refused-json.ts";

/** A row of user code that was refused with `error`. */
export function refusedRow(
  error: AlluviumError,
  row: unknown,
  { rule, number, key }: { readonly rule: string; readonly number: number; readonly key: readonly string[] },
): RefusedRow {
  const { code, message } = error;
  const { text, types } = refusedJson(row);
  const column = refusedColumn(error);
  const cells = row as Readonly<Record<string, unknown>>;
  const values = key.map((name): [string, Json] => [
    name,
    plainJson(refusedJson(typeof row === "object" && row !== null ? cells[name] : undefined).text),
  ]);
  return {
    stage: "read",
    reason: code,
    rule,
    column,
    message,
    row: text,
    ...(types === undefined ? {} : { types }),
    ...(values.length > 0 && { key: Object.fromEntries(values) }),
    position: { row: number },
  };
}
