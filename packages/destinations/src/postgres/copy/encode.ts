import { AlluviumError } from "@alluvium/core";
import type { Vector } from "@alluvium/core/columns";
import { cellSize, writeCell, type CellContext, type Target } from "./cell.ts";
import { cellWriter } from "./cells.ts";

/** A column to encode. */
export interface CopyColumn {
  readonly name: string;
  readonly vector: Vector;
}

/** Bytes of a message; a row that is larger gets a message of its own. */
export const MESSAGE_BYTES: number = 64 * 1024;

/** The type of a CopyData message, and its length. */
const MESSAGE_HEADER = 5;
const COPY_DATA = 0x64;
/** A row's number of columns; a column's length. */
const ROW_HEADER = 2;
const CELL_HEADER = 4;
/** `PGCOPY\n\377\r\n\0`, flags, length of the header's extension (none). */
const FILE_HEADER: Uint8Array = Uint8Array.of(
  80,
  71,
  67,
  79,
  80,
  89,
  10,
  255,
  13,
  10,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
);
/** What a message may hold: a length is a signed 32-bit number, and the server takes no more than 1 GiB. */
const MOST_BYTES = 0x3fff_0000;

/**
 * Rows as messages of `COPY … FROM STDIN (FORMAT binary)`, one message a piece: header, rows, trailer. `take` gives memory of
 * {@link MESSAGE_BYTES} for each; a message is a view of it and must be sent before the memory is given again.
 *
 * Source: https://www.postgresql.org/docs/current/sql-copy.html (Binary Format),
 * https://www.postgresql.org/docs/current/protocol-message-formats.html (CopyData)
 */
export function* encodeCopy(
  columns: readonly CopyColumn[],
  length: number,
  context: Omit<CellContext, "column">,
  take: () => Uint8Array,
): Generator<Uint8Array, void> {
  const writers = columns.map(({ name, vector }) => cellWriter(vector, { ...context, column: name }));
  const vectors = columns.map(({ vector }) => vector);
  const varying = writers.flatMap(({ size }, i) => (typeof size === "function" ? [i] : []));
  const fixed = writers.reduce(
    (sum, { size }) => sum + CELL_HEADER + (typeof size === "number" ? size : 0),
    ROW_HEADER,
  );

  let target = targetOf(take());
  target.bytes.set(FILE_HEADER, MESSAGE_HEADER);
  let at = MESSAGE_HEADER + FILE_HEADER.length;
  for (let row = 0; row < length; row++) {
    let size = fixed;
    for (const i of varying) size += cellSize(writers[i]!, vectors[i]!, row);
    if (at + size > target.bytes.length) {
      if (at > MESSAGE_HEADER) yield message(target, at);
      if (size > MOST_BYTES) throw tooLarge(context.table, row, size);
      const room = MESSAGE_HEADER + size > MESSAGE_BYTES ? new Uint8Array(MESSAGE_HEADER + size) : take();
      target = targetOf(room);
      at = MESSAGE_HEADER;
    }
    target.view.setInt16(at, writers.length);
    at += ROW_HEADER;
    for (let i = 0; i < writers.length; i++) at = writeCell(writers[i]!, vectors[i]!, target, row, at);
  }
  if (at + 2 > target.bytes.length) {
    yield message(target, at);
    target = targetOf(take());
    at = MESSAGE_HEADER;
  }
  // The trailer: a row of -1 columns.
  target.view.setInt16(at, -1);
  yield message(target, at + 2);
}

function targetOf(bytes: Uint8Array): Target {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

function message({ bytes, view }: Target, end: number): Uint8Array {
  bytes[0] = COPY_DATA;
  view.setInt32(1, end - 1);
  return bytes.subarray(0, end);
}

function tooLarge(table: string, row: number, size: number): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_TOO_LARGE",
    `table "${table}": row ${row + 1} of its batch takes ${size} bytes, PostgreSQL takes at most 1 GiB in a row`,
    { resource: table, step: "write" },
  );
}
