import { Buffer } from "node:buffer";

/** How a cell is written. */
export const Form = { plain: 0, quoted: 1, escaped: 2, null: 3 } as const;

/**
 * Some rows whose cells have been found but not yet read: the border between cutting bytes into cells and turning cells into columns. Reading goes column
 * by column, so that each loop sees one type of value only.
 */
export interface Cells {
  readonly bytes: Buffer;
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly width: number;
  /** Places per column in `starts` and `ends`: at least `rows`. */
  readonly stride: number;
  /** Where the text of a cell begins, and how it is written: `4 * place + form`, of column and row at `column * stride + row`. */
  readonly starts: Int32Array;
  /** Where the text of a cell ends, its quote not included. */
  readonly ends: Int32Array;
  /** Where each row begins, and where it ends, its line end not included. */
  readonly rowStarts: Int32Array;
  readonly rowEnds: Int32Array;
  /** The line that each row begins in, counted from 1. */
  readonly lines: Float64Array;
  readonly unescape: Unescape;
}

/**
 * Copies the text of an escaped cell, `bytes[start, end)`, to `target` from `at` on, without what is there to escape; gives where it ends. It
 * never takes more bytes than before.
 */
export type Unescape = (bytes: Buffer, start: number, end: number, target: Uint8Array, at: number) => number;

/** A record that is none: where it stands, and why. */
export interface Fault {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly why: string;
}

/** The text of a cell; `null` where it stands for none. */
export function cellText(cells: Cells, column: number, row: number): string | null {
  const at = column * cells.stride + row;
  return textAt(cells, cells.starts[at]!, cells.ends[at]!);
}

/** The text of a cell by its place. */
export function textAt({ bytes, unescape }: Cells, packed: number, end: number): string | null {
  const form = packed & 3;
  if (form === Form.null) return null;
  const start = packed >> 2;
  if (form !== Form.escaped) return bytes.toString("utf8", start, end);
  const plain = Buffer.allocUnsafe(end - start);
  return plain.toString("utf8", 0, unescape(bytes, start, end, plain, 0));
}

/** Leaves out the rows for which `drops` holds. */
export function dropCells(cells: Cells, drops: (row: number) => boolean): Cells {
  const { starts, ends, rowStarts, rowEnds, lines, rows, width, stride } = cells;
  let kept = 0;
  for (let row = 0; row < rows; row++) {
    if (drops(row)) continue;
    for (let column = 0, at = row, to = kept; column < width; column++, at += stride, to += stride) {
      starts[to] = starts[at]!;
      ends[to] = ends[at]!;
    }
    rowStarts[kept] = rowStarts[row]!;
    rowEnds[kept] = rowEnds[row]!;
    lines[kept] = lines[row]!;
    kept += 1;
  }
  return { ...cells, rows: kept };
}
