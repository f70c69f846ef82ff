import type { ColumnType, Json, RefusedRow, Schema } from "@alluvium/core";
import { takeBatch, type Batch } from "@alluvium/core/columns";
import type { FileItem } from "../format.ts";
import { refusedText } from "../text/refused-text.ts";
import { cellText, type Cells } from "../text/cells.ts";
import { createRowLines } from "../text/row-lines.ts";
import { missingRefused, type CsvColumn } from "./column.ts";
import { isNumber } from "../text/said.ts";

/** Most rows of one batch. */
const MAX_ROWS = 65_536;

/** Columns are read one after another, and so refuse rows. */
function byLine(a: RefusedRow, b: RefusedRow): number {
  const [x, y] = [a, b].map(({ position }) => (position as { readonly line: number }).line);
  return x! - y!;
}

/** Gathers the rows of one file in batches. */
export interface CsvBatches {
  /** Appends rows. */
  add(cells: Cells): void;
  /** A row that was refused before it came to columns. */
  refuse(row: RefusedRow): void;
  /** A cell of the rows being added, whose column does not hold it: its row is left out. */
  refuseCell(cell: number, column: string, why: string): void;
  /** Whether what there is makes a batch. */
  readonly isFull: boolean;
  /** Hands over what there is; `position` is that after it. */
  take(position: Json): Iterable<FileItem>;
}

/** Batches of about `bytes` bytes of the columns of a file; `missing`: others of the table, which may not be null. */
export function createBatches(
  path: string,
  columns: readonly CsvColumn[],
  missing: readonly string[],
  bytes: number,
): CsvBatches {
  let schema: Schema | undefined;
  let rows = 0;
  const lines = createRowLines();
  let refused: RefusedRow[] = [];
  let dropped = new Set<number>();
  let adding: Cells | undefined;

  function schemaOf(types: readonly ColumnType[]): Schema {
    if (schema?.fields.every(({ type }, i) => type === types[i]) !== true)
      schema = { fields: columns.map(({ name }, i) => ({ name, type: types[i]!, nullable: true })) };
    return schema;
  }

  /** A row that was cut into cells, by the names of its columns; numbers with all their digits. */
  function rowText(cells: Cells, row: number): string {
    const members = columns.map(({ name, type }, i) => {
      const text = cellText(cells, i, row);
      const isPlain =
        text === null ||
        (type.kind === "boolean"
          ? text === "true" || text === "false"
          : type.kind !== "string" && isNumber(text));
      return `${JSON.stringify(name)}:${isPlain ? text : JSON.stringify(text)}`;
    });
    return `{${members.join(",")}}`;
  }

  function refuseCell(cell: number, column: string, why: string): void {
    const row = rows + cell;
    if (dropped.has(row)) return;
    dropped.add(row);
    const line = adding!.lines[cell]!;
    refused.push(refusedText({ path, line, why, rule: "column", column, row: rowText(adding!, cell) }));
  }

  return {
    add(cells) {
      adding = cells;
      for (let i = 0; i < columns.length; i++) columns[i]!.read(cells, i);
      for (const column of missing)
        for (let cell = 0; cell < cells.rows; cell++) refuseCell(cell, column, missingRefused);
      adding = undefined;
      lines.add(cells.lines, cells.rows);
      rows += cells.rows;
    },
    refuse(row) {
      refused.push(row);
    },
    refuseCell,
    get isFull() {
      if (rows >= MAX_ROWS || refused.length >= 1000) return true;
      let sum = 0;
      for (let i = 0; i < columns.length; i++) sum += columns[i]!.byteLength;
      return sum >= bytes;
    },
    *take(position) {
      const given = refused.sort(byLine);
      refused = [];
      const kept = rows - dropped.size;
      if (given.length > 0) yield kept === 0 ? { refused: given, position } : { refused: given };
      if (rows === 0) return;
      const vectors = columns.map((column) => column.finish());
      const whole: Batch = {
        schema: schemaOf(vectors.map(({ type }) => type)),
        length: rows,
        columns: vectors,
      };
      let lineOf = lines.take();
      let batch = whole;
      if (dropped.size > 0) {
        const places = Int32Array.from({ length: rows }, (_, row) => row).filter((row) => !dropped.has(row));
        batch = takeBatch(whole, places);
        const lineOfAll = lineOf;
        lineOf = (row) => lineOfAll(places[row]!);
      }
      rows = 0;
      dropped = new Set();
      let isOut = true;
      const release = (): void => {
        if (!isOut) return;
        isOut = false;
        columns.forEach((column, i) => column.recycle(vectors[i]!));
      };
      if (batch.length === 0) {
        release();
        return;
      }
      const locate = (row: number): { readonly line: number } => ({ line: lineOf(row) });
      yield { batch, locate, position, release };
    },
  };
}
