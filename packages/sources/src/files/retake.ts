import {
  AlluviumError,
  type RefusedAgain,
  type RefusedRow,
  type RetakeContext,
  type RetakenRefusal,
  type RetakenRows,
} from "@alluvium/core";
import { createAppender } from "@alluvium/core/columns";
import type { DescribedTable, PathColumns } from "./described.ts";
import { partitionsOf } from "./listing/partitions.ts";

const REMEDY = "give fix, which makes a row of it";

/**
 * Takes rows that were refused when they were read once more, as they are now: as objects with the columns of the table. Text that was no row is none
 * without its file either, and stays refused unless it was made one.
 */
export function retakeRows(
  { description, format, path }: Pick<DescribedTable, "description" | "format" | "path">,
  rows: readonly unknown[],
  { refusals }: Pick<RetakeContext, "refusals">,
): RetakenRows {
  const appender = createAppender({ schema: description.schema, infer: format.infer });
  const places: number[] = [];
  const refused: RefusedAgain[] = [];
  const refuse = (place: number, problem: Pick<RefusedRow, "reason" | "rule" | "message">): void => {
    refused.push({ place, row: { stage: "read", ...problem, row: textOf(rows[place]) } });
  };
  for (const [place, row] of rows.entries()) {
    const refusal = refusals[place]!;
    if (!isRow(row, refusal)) {
      const { rule, message } = refusal;
      const said = message.endsWith(REMEDY) ? message : `${message}. To replay it, ${REMEDY}`;
      refuse(place, { reason: "ALV_ROW_INVALID", rule, message: said });
      continue;
    }
    try {
      appender.append({ ...row, ...cellsOfPath(path, refusal) });
      places.push(place);
    } catch (error) {
      if (!AlluviumError.is(error) || error.code !== "ALV_ROW_INVALID") throw error;
      refuse(place, { reason: error.code, rule: "type", message: error.message });
    }
  }
  const batch = appender.finish();
  return { batches: places.length === 0 ? [] : [{ batch, places: Int32Array.from(places) }], refused };
}

/** Whether there is a row: of what is none there is its text, as `{ line }`, or whatever else the format has for it. */
function isRow(row: unknown, { rule, row: before }: RetakenRefusal): row is object {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return false;
  if (rule !== "format" && rule !== "encoding") return true;
  const { line } = row as { readonly line?: unknown };
  const isText = line !== undefined && Object.keys(row).length === 1;
  return !(isText && line === (before as { readonly line?: unknown } | null)?.line);
}

/** What the path of the row's file says. The time of its version is not known any more. */
function cellsOfPath({ file, partitions }: PathColumns, { position }: RetakenRefusal): object {
  const { file: path } = (position ?? {}) as { readonly file?: unknown };
  if (typeof path !== "string") return {};
  return {
    ...(file !== undefined && { [file]: path }),
    ...(partitions && Object.fromEntries(partitionsOf(path))),
  };
}

/** A row as JSON text, for whoever is told of it. */
function textOf(row: unknown): string {
  const json = JSON.stringify(row, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return json ?? "null";
}
