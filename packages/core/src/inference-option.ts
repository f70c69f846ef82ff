import type { ColumnPattern } from "./columns/append.ts";
import type { InferOptions } from "./columns/said-type.ts";
import { typeOfHint } from "./schema/hints.ts";
import { optionError } from "./table-options.ts";

/** How the types of columns are found of which neither a schema nor `columns` says the type. */
export interface InferenceOptions {
  /**
   * Which texts are more than text: `{ dates: true, timestamps: true, uuids: true }`. The first value of a column says what it is; a text that says
   * something else is a value of another kind, and goes into a variant column. @default none: text stays text
   */
  readonly infer?: InferOptions;
  /**
   * Types of columns by their names in the source, as `columns` gives them to single ones; the first pattern that matches counts:
   * `[[/_at$/, { type: "timestamp" }], [/_cents$/, { type: "int64" }]]`. A value that is none of the type is refused. @default none
   */
  readonly columnPatterns?: readonly ColumnPattern[];
}

const kinds: readonly string[] = ["dates", "timestamps", "uuids"] satisfies (keyof InferOptions)[];

/** The options that are set. Throws `ALV_CONFIG` for what is none. */
export function inferenceOf(resource: string, { infer, columnPatterns }: InferenceOptions): InferenceOptions {
  const isSwitch = ([kind, value]: [string, unknown]): boolean =>
    kinds.includes(kind) && (value === undefined || typeof value === "boolean");
  if (
    infer !== undefined &&
    !(typeof infer === "object" && infer !== null && Object.entries(infer).every(isSwitch))
  )
    throw optionError(resource, "infer", infer, `an object of ${kinds.join(", ")}, each true or false`);
  const isPattern = (pattern: unknown): boolean =>
    Array.isArray(pattern) && pattern.length === 2 && pattern[0] instanceof RegExp && isHint(pattern[1]);
  if (columnPatterns !== undefined && !(Array.isArray(columnPatterns) && columnPatterns.every(isPattern)))
    throw optionError(
      resource,
      "columnPatterns",
      columnPatterns,
      'a list of patterns with their types, as in [[/_at$/, { type: "timestamp" }]]',
    );
  for (const [pattern, hint] of columnPatterns ?? []) typeOfHint(hint, `of the pattern ${pattern.source}`);
  return { ...(infer && { infer }), ...(columnPatterns && { columnPatterns }) };
}

function isHint(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value;
}
