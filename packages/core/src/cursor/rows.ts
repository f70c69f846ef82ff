/** Some rows of a batch, ascending; `undefined`: all of them. */
export type Rows = Int32Array | undefined;

/** The rows that `keep` holds for; the same object when it holds for all. */
export function keepRows(rows: Rows, length: number, keep: (row: number) => boolean): Rows {
  const count = rows?.length ?? length;
  let kept: Int32Array | undefined;
  let size = 0;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : rows[i]!;
    if (keep(row)) {
      if (kept !== undefined) kept[size] = row;
      size += 1;
    } else if (kept === undefined) {
      kept = new Int32Array(count);
      for (let k = 0; k < i; k++) kept[k] = rows === undefined ? k : rows[k]!;
    }
  }
  return kept === undefined ? rows : kept.subarray(0, size);
}

/** Calls `visit` for each row. */
export function eachRow(rows: Rows, length: number, visit: (row: number) => void): void {
  if (rows === undefined) for (let row = 0; row < length; row++) visit(row);
  else for (const row of rows) visit(row);
}
