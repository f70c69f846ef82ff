import type { RefusedRow } from "@alluvium/core";

/** What is refused of a text file. */
export interface RefusedText {
  /** The file's path, for the message. */
  readonly path: string;
  /** The line that it begins in, or its number where `unit` says so. */
  readonly line: number;
  /** @default "line" */
  readonly unit?: "line" | "row";
  /** What is wrong with it. */
  readonly why: string;
  /** `format` or `encoding` of what is no row at all, `column` of a value that its column does not hold. */
  readonly rule: "format" | "encoding" | "column";
  readonly column?: string | undefined;
  /** The row as JSON text. */
  readonly row: string;
}

/** A row of a text file that was refused. */
export function refusedText({ path, line, unit = "line", why, rule, column, row }: RefusedText): RefusedRow {
  const place =
    column === undefined ? `${path}, ${unit} ${line}` : `${path}, ${unit} ${line}, column "${column}"`;
  return {
    stage: "read",
    reason: "ALV_ROW_INVALID",
    rule,
    ...(column !== undefined && { column }),
    message: `${place}: ${why}`,
    row,
    position: { [unit]: line },
  };
}

/** What can be done about what is no row, for the end of a message. */
export const lineRemedy: string =
  ': mend the file, or let the table\'s contract set such rows aside (contract: { types: "quarantine" })';

/** Text that is no row as one that holds it, so that nothing is lost. */
export function lineRow(text: string): string {
  return JSON.stringify({ line: text });
}
