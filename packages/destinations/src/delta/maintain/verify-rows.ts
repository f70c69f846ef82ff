import {
  compareScalars,
  isScalar,
  isValid,
  scalarReader,
  type Scalar,
  type Vector,
} from "@alluvium/core/columns";
import type { AddFile } from "../log/actions.ts";
import { decodePath } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { columnsOf, type Column } from "../read/columns.ts";
import { readFileRows } from "../read/file-rows.ts";
import { boundsOf, nullsOf, parseStatistics } from "../read/pruning.ts";
import { readingOf } from "./rewriter.ts";
import type { CareContext } from "./target.ts";
import type { Note } from "./verify.ts";

/** What is known of a column while its rows are read. */
interface Checked {
  readonly column: Column;
  readonly min: Scalar | undefined;
  readonly max: Scalar | undefined;
  readonly saidNulls: number | undefined;
  nulls: number;
  liveNulls: number;
  /** Whether a value outside of the bounds was told already. */
  outside: boolean;
}

/** Reads all rows of a file and compares them with what the log says of it. Returns how many there were. */
export async function verifyRows(
  context: CareContext,
  state: TableState,
  add: AddFile,
  note: Note,
): Promise<number> {
  const path = decodePath(add.path);
  const statistics = parseStatistics(add.stats);
  const columns = columnsOf(state);
  const checks = columns.map((column): Checked => {
    const { min, max } =
      statistics && isScalar(column.type) ? boundsOf(column, statistics) : { min: undefined, max: undefined };
    const saidNulls = statistics && nullsOf(column, statistics);
    return { column, min, max, saidNulls, nulls: 0, liveNulls: 0, outside: false };
  });
  let rows = 0;
  let live = 0;
  for await (const { batch, deleted, firstRow } of readFileRows(add, readingOf(state, context, columns))) {
    context.signal.throwIfAborted();
    rows += batch.length;
    const isDead = (row: number): boolean =>
      deleted !== undefined && ((deleted[(firstRow + row) >> 3]! >> ((firstRow + row) & 7)) & 1) === 1;
    for (let row = 0; row < batch.length; row++) if (!isDead(row)) live += 1;
    for (const [i, check] of checks.entries()) {
      countNulls(check, batch.columns[i]!, isDead);
      compareBounds(check, batch.columns[i]!, path, note);
    }
  }
  const records = rows;
  for (const { column, saidNulls, nulls, liveNulls } of checks) {
    if (!column.field.nullable && liveNulls > 0)
      note("null", path, `column ${column.name} is NOT NULL and holds ${liveNulls} nulls`);
    if (saidNulls === undefined || column.partition) continue;
    // Beside a deletion vector only "none" and "all" are promises.
    const wrong = add.deletionVector
      ? (saidNulls === 0 && liveNulls > 0) || (saidNulls === records && liveNulls < live)
      : saidNulls !== nulls;
    if (wrong)
      note("statistics", path, `column ${column.name} has ${nulls} nulls, its statistics say ${saidNulls}`);
  }
  return rows;
}

function countNulls(check: Checked, vector: Vector, isDead: (row: number) => boolean): void {
  if (vector.nullCount === 0) return;
  check.nulls += vector.nullCount;
  for (let row = 0; row < vector.length; row++)
    if ((vector.layout === "null" || !isValid(vector, row)) && !isDead(row)) check.liveNulls += 1;
}

/** Statistics bound all rows of the file, deleted ones too: readers that skip it by them skip those as well. */
function compareBounds(check: Checked, vector: Vector, path: string, note: Note): void {
  const { column, min, max } = check;
  if (check.outside || (min === undefined && max === undefined) || vector.layout === "null") return;
  const read = scalarReader(vector);
  for (let row = 0; row < vector.length; row++) {
    const value = read(row);
    if (value === null || Number.isNaN(value)) continue;
    const below = min !== undefined && compareScalars(value, min) < 0;
    if (!below && (max === undefined || compareScalars(value, max) <= 0)) continue;
    check.outside = true;
    note(
      "statistics",
      path,
      `column ${column.name} holds a value ${below ? "below" : "above"} the bounds of its statistics`,
    );
    return;
  }
}
