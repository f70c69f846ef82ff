import { AlluviumError, type RetakenRows, type RefusedAgain } from "@alluvium/core";
import { createAppender } from "@alluvium/core/columns";
import type { DescribedTable } from "./described.ts";

/** Takes rows that were refused when they were read once more, as they are now: as objects with the columns of the table. */
export function retakeRows(table: DescribedTable, rows: readonly unknown[]): RetakenRows {
  const appender = createAppender({ schema: table.description.schema });
  const places: number[] = [];
  const refused: RefusedAgain[] = [];
  for (const [place, row] of rows.entries()) {
    try {
      appender.append(row as object);
      places.push(place);
    } catch (error) {
      if (!AlluviumError.is(error) || error.code !== "ALV_ROW_INVALID") throw error;
      const { code: reason, message } = error;
      refused.push({
        place,
        row: { stage: "read", reason, rule: "type", message, row: JSON.stringify(row) ?? "null" },
      });
    }
  }
  const batch = appender.finish();
  return { batches: places.length === 0 ? [] : [{ batch, places: Int32Array.from(places) }], refused };
}
