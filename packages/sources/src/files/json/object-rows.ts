import { AlluviumError, type RefusedRow, type Schema } from "@alluvium/core";
import { createAppender, describeValue, parseJson, type Batch } from "@alluvium/core/columns";
import type { DecoderContext } from "../format.ts";
import { lineRemedy, lineRow, refusedText } from "../text/refused-text.ts";
import type { JsonSettings } from "./options.ts";

/** Rows of JSON by way of objects, which takes everything that JSON has. It knows the columns of all files so far. */
export interface ObjectRows {
  /** Rows that were appended since the last `finish`. */
  readonly length: number;
  readonly byteLength: number;
  /** The columns as of the last `finish`. */
  readonly schema: Schema;
  /** Appends a row by its text; what is none is given back refused. */
  append(text: string, path: string, line: number): RefusedRow | undefined;
  finish(): Batch;
}

/** Where core's messages begin to say what is wrong with a value. */
const PLACE = /^row \d+(?:, column ("(?:[^"\\]|\\.)*"))?:? /;

/** Rows by way of objects. */
export function createObjectRows(
  settings: JsonSettings,
  { schema, columns, discard }: DecoderContext,
  unit: "line" | "row" = "line",
): ObjectRows {
  const appender = createAppender({
    schema,
    ...(columns !== undefined && { columns }),
    infer: settings.infer,
  });
  let known = appender.finish().schema;

  /** Appends a row that is text of its own; one that core refuses is refused as a whole. */
  function append(text: string, path: string, line: number): RefusedRow | undefined {
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return refusedText({
        path,
        line,
        unit,
        why: `is no JSON: ${error.message}${lineRemedy}`,
        rule: "format",
        row: lineRow(text),
      });
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return refusedText({
        path,
        line,
        unit,
        why: `is no object: ${describeValue(value)}${lineRemedy}`,
        rule: "format",
        row: lineRow(text),
      });
    return appendRow(value, text, path, line);
  }

  function appendRow(value: object, text: string, path: string, line: number): RefusedRow | undefined {
    try {
      // One without members is a row of nulls; the appender takes any object for one.
      appender.append(value);
    } catch (error) {
      if (!AlluviumError.is(error) || error.code !== "ALV_ROW_INVALID") throw error;
      const column = PLACE.exec(error.message)?.[1];
      const name = column === undefined ? undefined : (JSON.parse(column) as string);
      const member = discard && name !== undefined ? memberOf(value, name) : undefined;
      if (discard !== undefined && member !== undefined) {
        const { [member]: left, ...rest } = value as Readonly<Record<string, unknown>>;
        void left;
        const problem = appendRow(rest, text, path, line);
        if (problem === undefined) discard();
        return problem;
      }
      return refusedText({
        path,
        line,
        unit,
        why: error.message.replace(PLACE, ""),
        rule: "column",
        column: name,
        row: text,
      });
    }
    return undefined;
  }

  return {
    get length() {
      return appender.length;
    },
    get byteLength() {
      return appender.byteLength;
    },
    get schema() {
      return known;
    },
    append,
    finish() {
      const batch = appender.finish();
      known = batch.schema;
      return batch;
    },
  };
}

/** The member of a row in which a value stands that core calls `name`: `lines[].price`. */
function memberOf(row: object, name: string): string | undefined {
  if (Object.hasOwn(row, name)) return name;
  return Object.keys(row).find((member) => name.startsWith(`${member}.`) || name.startsWith(`${member}[`));
}
