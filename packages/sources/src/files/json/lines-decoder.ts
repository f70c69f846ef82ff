import type { Buffer } from "node:buffer";
import type { Json, RefusedRow } from "@alluvium/core";
import type { DecoderContext, FileContent, FileDecoder, FileItem } from "../format.ts";
import { dropCells } from "../text/cells.ts";
import { invalidBytesText, isSoundText } from "../text/invalid-bytes.ts";
import { lineTooLong } from "../text/line-too-long.ts";
import { lineRow, refusedText } from "../text/refused-text.ts";
import { createRowLines } from "../text/row-lines.ts";
import { blockBytes, openText } from "../text/text-blocks.ts";
import { createObjectRows } from "./object-rows.ts";
import type { JsonSettings } from "./options.ts";
import { createShapeColumns, type ShapeColumns } from "./shape-columns.ts";
import { createShapeScanner, shapeOf, type ShapeScanner } from "./shape.ts";

/** Most rows of one batch. */
const MAX_ROWS = 65_536;
/** Rows that are read as objects before their shape is looked at. */
const FIRST = 128;
/** Rows that are read as objects after one that had not the shape; more where that happens again soon. */
const PATIENCE = 1024;
const MAX_REFUSED = 1000;
const LF = 10;

/** Where reading a file can go on. */
interface LinesPosition {
  /** Bytes of the text as UTF-8 before it. */
  readonly offset: number;
  readonly line: number;
}

/** Lines whose members are the same, read from bytes into columns. */
interface FastPath {
  readonly scanner: ShapeScanner;
  readonly columns: ShapeColumns;
}

/**
 * The decoder of the JSON lines of one table. Lines are read as objects, which takes all that JSON has; as long as they have the same members in the same order, and
 * values of the types that their columns have by then, they are read from bytes into columns instead.
 */
export function linesDecoder(settings: JsonSettings, context: DecoderContext): FileDecoder {
  const { signal, batchBytes } = context;
  const objects = createObjectRows(settings, context);
  const declared = new Set(
    objects.schema.fields.filter(({ type }) => type.kind !== "null").map(({ name }) => name),
  );

  async function* read(file: FileContent, since?: Json): AsyncGenerator<FileItem> {
    const { path } = file;
    const { offset, line: first } = (since ?? { offset: 0, line: 1 }) as unknown as LinesPosition;
    await using text = await openText(file, settings.encoding, offset, signal);
    let line = first;
    let refused: RefusedRow[] = [];
    /** The lines of the rows that are held. */
    const lines = createRowLines();
    let fast: FastPath | undefined;
    let patience = FIRST;
    let lastText = "";

    const rowsHeld = (): number => fast?.columns.length ?? objects.length;

    function* take(): Generator<FileItem> {
      const position = { offset: text.offset, line };
      const given = refused;
      refused = [];
      const length = rowsHeld();
      if (given.length > 0) yield length === 0 ? { refused: given, position } : { refused: given };
      if (length === 0) return;
      const lineOf = lines.take();
      const locate = (row: number): { readonly line: number } => ({ line: lineOf(row) });
      if (fast === undefined) yield { batch: objects.finish(), locate, position };
      else yield { ...fast.columns.finish(), locate, position };
    }

    /** Looks whether lines like the last one can be read from bytes. */
    function findFast(): FastPath | undefined {
      const shape = shapeOf(lastText);
      const columns = shape && createShapeColumns(shape, objects.schema, (column) => declared.has(column));
      return columns && { columns, scanner: createShapeScanner(shape!) };
    }

    /** Reads what has the shape, up to `end`; gives where the first line stands that has not. */
    function readFast({ scanner, columns }: FastPath, bytes: Buffer, from: number, end: number): number {
      const to = scanner.scan(bytes, from, end, line, text.isLast);
      let { cells } = scanner;
      if (cells.rows === 0) return from;
      if (!isSoundText(bytes, from, to, text.isTranscoded)) {
        const { rowStarts, rowEnds } = cells;
        const sound = (row: number): boolean =>
          isSoundText(bytes, rowStarts[row]!, rowEnds[row]!, text.isTranscoded);
        let rows = 0;
        while (sound(rows)) rows += 1;
        cells = dropCells(cells, (row) => row >= rows);
        if (rows === 0) return from;
      }
      const rows = columns.read(cells);
      lines.add(cells.lines, rows);
      line += rows;
      return rows < scanner.cells.rows ? (rows === 0 ? from : nextLine(bytes, cells.rowEnds[rows - 1]!)) : to;
    }

    /** Reads one line as an object. */
    function readObject(bytes: Buffer, start: number, end: number): void {
      const isSound = isSoundText(bytes, start, end, text.isTranscoded);
      const source = bytes.toString("utf8", start, end);
      if (source.length < 256 ? source.trim() !== "" : /\S/.test(source)) {
        if (!isSound && settings.invalidBytes === "refuse")
          refused.push(
            refusedText({ path, line, why: invalidBytesText, rule: "encoding", row: lineRow(source) }),
          );
        else {
          const problem = objects.append(source, path, line);
          if (problem !== undefined) refused.push(problem);
          else lines.add(Float64Array.of(line), 1);
          lastText = source;
        }
      }
      line += 1;
    }

    for (let size = blockBytes; ;) {
      await text.fill(size);
      const begin = text.start;
      while (text.start < text.end) {
        const { bytes, start, end } = text;
        if (fast !== undefined) {
          const to = readFast(fast, bytes, start, end);
          text.skip(to);
          if (fast.columns.length >= MAX_ROWS || fast.columns.byteLength >= batchBytes) yield* take();
          if (to > start) continue;
        }
        const found = bytes.indexOf(LF, start);
        const stop = found < 0 || found >= end ? end : found;
        if (stop === end && !text.isLast) break;
        if (fast !== undefined) {
          // Not the shape: objects for a while, and for longer the sooner that happens.
          const taken = fast.columns.length;
          yield* take();
          patience = taken < PATIENCE ? Math.min(2 * Math.max(patience, PATIENCE), MAX_ROWS) : PATIENCE;
          fast = undefined;
        }
        readObject(bytes, start, stop);
        text.skip(Math.min(end, stop + 1));
        const { length } = objects;
        const isFull =
          length >= MAX_ROWS ||
          refused.length >= MAX_REFUSED ||
          ((length & 63) === 0 && objects.byteLength >= batchBytes);
        if (isFull || length >= patience) {
          yield* take();
          if (length > 0) fast = findFast();
        }
      }
      signal.throwIfAborted();
      if (text.isLast && text.start >= text.end) break;
      if (text.start > begin) size = blockBytes;
      else if (size < settings.maxRecordBytes) size = Math.min(2 * size, settings.maxRecordBytes);
      else throw lineTooLong(path, line, settings.maxRecordBytes, "a line");
    }
    yield* take();
  }

  return { read };
}

function nextLine(bytes: Buffer, end: number): number {
  return bytes.indexOf(LF, end) + 1;
}
