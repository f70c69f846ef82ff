import type { AlluviumError } from "../errors.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { Json } from "../state/json.ts";
import { positionOf } from "../row-position.ts";
import { refusedColumn } from "./validate.ts";
import { plainJson, refusedJson } from "./refused-json.ts";

/** What is known of a refused row beside what is wrong with it. */
export interface RefusedPlace {
  readonly rule: string;
  /** Its number within the read, from 1. */
  readonly number: number;
  readonly key: readonly string[];
  /** The column that the read follows. */
  readonly cursor: string | undefined;
}

/** A row of user code that was refused with `error`. */
export function refusedRow(
  error: AlluviumError,
  row: unknown,
  { rule, number, key, cursor }: RefusedPlace,
): RefusedRow {
  const { code, message } = error;
  const { text, types } = refusedJson(row);
  const column = refusedColumn(error);
  const cells = row as Readonly<Record<string, unknown>>;
  const value = (name: string): Json =>
    plainJson(refusedJson(typeof row === "object" && row !== null ? cells[name] : undefined).text);
  const values = key.map((name): [string, Json] => [name, value(name)]);
  return {
    stage: "read",
    reason: code,
    rule,
    column,
    message,
    row: text,
    ...(types === undefined ? {} : { types }),
    ...(values.length > 0 && { key: Object.fromEntries(values) }),
    position: {
      row: number,
      ...(cursor !== undefined && { cursor: { [cursor]: value(cursor) } }),
      ...(positionOf(row) as object | undefined),
    },
  };
}
