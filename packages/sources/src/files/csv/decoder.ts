import { Buffer } from "node:buffer";
import { AlluviumError, type ColumnType, type Field, type Json } from "@alluvium/core";
import { createAppender } from "@alluvium/core/columns";
import type { DecoderContext, FileContent, FileDecoder, FileItem } from "../format.ts";
import { invalidBytesText, isSoundText } from "../text/invalid-bytes.ts";
import { lineRemedy, lineRow, refusedText } from "../text/refused-text.ts";
import { blockBytes, openText } from "../text/text-blocks.ts";
import { createBatches, type CsvBatches } from "./batches.ts";
import { dropCells, Form, type Cells } from "../text/cells.ts";
import { declaredColumn, detectedColumn, type ColumnOptions, type CsvColumn } from "./column.ts";
import { findLayout } from "./layout.ts";
import type { CsvSettings } from "./options.ts";
import { decodeLearned, encodeLearned } from "./learned.ts";
import { decodePosition, encodePosition } from "./position.ts";
import { createScanner, type Scanner } from "./scan.ts";

const NULL: ColumnType = { kind: "null" };

/** The decoder of the CSV files of one table. */
export function csvDecoder(settings: CsvSettings, context: DecoderContext): FileDecoder {
  const { signal, batchBytes } = context;
  const declared = new Map(declaredFields(context).map((field) => [field.name, field]));
  /** The columns of all files so far, by name: what a column is in one file it is in the next. */
  const columns = new Map<string, CsvColumn>();
  const before = decodeLearned(context.learned);
  const learned = before.types;
  let { hasHeader } = before;
  let batches: CsvBatches | undefined;
  const options: ColumnOptions = {
    point: settings.decimal,
    refuse(cell, column, why) {
      const { discard } = context;
      if (discard !== undefined && declared.get(column)?.nullable !== false) discard();
      else batches!.refuseCell(cell, column, why);
    },
  };

  function columnOf(name: string, known: CsvColumn["type"] | undefined): CsvColumn {
    const before = columns.get(name);
    if (before !== undefined) return before;
    const field = declared.get(name);
    const type = settings.types === "text" ? ({ kind: "string" } as const) : known;
    const column =
      field === undefined || field.type.kind === "null"
        ? detectedColumn(name, type, options)
        : declaredColumn(field, options);
    columns.set(name, column);
    return column;
  }

  const names = (): readonly string[] => [
    ...new Set([...declared.keys(), ...learned.keys(), ...columns.keys()]),
  ];
  const isName = (name: string): boolean => declared.has(name) || learned.has(name) || columns.has(name);

  /** The columns that may not be null and are not among those of a file. */
  function missing(given: readonly string[]): readonly string[] {
    return [...declared.values()]
      .filter(({ name, nullable }) => !nullable && !given.includes(name))
      .map(({ name }) => name);
  }

  async function* read(file: FileContent, since?: Json): AsyncGenerator<FileItem> {
    const position = since === undefined ? undefined : decodePosition(since);
    await using text = await openText(file, settings.encoding, position?.offset ?? 0, signal);
    const found = position ?? (await findLayout(file.path, text, settings, { hasHeader, names, isName }));
    if (found === undefined) return;
    if ("hasHeader" in found) hasHeader = found.hasHeader ?? hasHeader;
    const { layout } = found;
    let { line } = found;
    const own = layout.names.map((name, i) => columnOf(name, position?.types[i] ?? learned.get(name)));
    const rows = createBatches(file.path, own, missing(layout.names), batchBytes);
    batches = rows;
    const scanner = createScanner({
      dialect: layout.dialect,
      width: own.length,
      emptyIsNull: settings.null.includes(""),
      comment: settings.comment,
      short: settings.shortRows,
      long: settings.longRows,
    });
    const take = (): Iterable<FileItem> =>
      rows.take(encodePosition({ offset: text.offset, line, layout, types: own.map(({ type }) => type) }));
    const markNulls = nullMarker(settings);
    const checks = !text.isTranscoded || settings.invalidBytes === "refuse";

    /** Takes the rows and faults of a scan of `bytes[from, to)`. */
    function accept(bytes: Buffer, from: number, to: number): void {
      let { cells } = scanner;
      if (checks && !isSoundText(bytes, from, to, text.isTranscoded)) {
        if (settings.invalidBytes === "replace") {
          acceptReplaced(bytes, from, to);
          return;
        }
        cells = refuseInvalid(cells, file.path, rows, text.isTranscoded);
      }
      for (const { start, end, line: at, why } of scanner.faults)
        rows.refuse(
          refusedText({
            path: file.path,
            line: at,
            why,
            rule: "format",
            row: lineRow(bytes.toString("utf8", start, end)),
          }),
        );
      if (cells.rows === 0) return;
      markNulls?.(cells);
      rows.add(cells);
    }

    /** Takes the records of `bytes[from, to)` once more, with U+FFFD in the place of what stands for no character. */
    function acceptReplaced(bytes: Buffer, from: number, to: number): void {
      const sound = Buffer.from(`${bytes.toString("utf8", from, to)}\n`);
      const end = sound.length - 1;
      for (let at = 0, next = line; at < end; next = scanner.line) {
        const start = at;
        at = scanner.scan(sound, start, end, next, true);
        accept(sound, start, at);
      }
    }

    for (let size = blockBytes; ;) {
      await text.fill(size);
      const begin = text.start;
      while (text.start < text.end) {
        const from = text.start;
        const to = scanner.scan(text.bytes, from, text.end, line, text.isLast);
        if (to === from) break;
        accept(text.bytes, from, to);
        text.skip(to);
        ({ line } = scanner);
        if (rows.isFull) {
          yield* take();
          signal.throwIfAborted();
        }
      }
      if (text.isLast && text.start >= text.end) break;
      if (text.start > begin) {
        size = blockBytes;
        continue;
      }
      // Not a single record is whole: one that is longer than the window, or whose quote is never closed.
      if (size < settings.maxRecordBytes) {
        size = Math.min(2 * size, settings.maxRecordBytes);
        continue;
      }
      const to = refuseOpen(scanner, text.bytes, text.start, text.end, line, file.path, settings);
      accept(text.bytes, text.start, to);
      text.skip(to);
      ({ line } = scanner);
      size = blockBytes;
    }
    yield* take();
  }

  return {
    read,
    learned() {
      // A column that no file of this run has is not forgotten.
      const types = new Map(learned);
      for (const { name, type } of columns.values()) {
        const isDetected = settings.types === "detect" && !declared.has(name) && type.kind !== "null";
        if (isDetected || !types.has(name)) types.set(name, isDetected ? type : NULL);
      }
      return encodeLearned({ hasHeader, types });
    },
  };
}

/** The columns that the table declares, hints included. */
function declaredFields({ schema, columns }: DecoderContext): readonly Field[] {
  return createAppender({ schema, ...(columns !== undefined && { columns }) }).finish().schema.fields;
}

/** Refuses the rows with bytes that stand for no character; gives the others. */
function refuseInvalid(cells: Cells, path: string, rows: CsvBatches, isTranscoded: boolean): Cells {
  const { bytes, rowStarts, rowEnds, lines } = cells;
  return dropCells(cells, (row) => {
    const [start, end] = [rowStarts[row]!, rowEnds[row]!];
    if (isSoundText(bytes, start, end, isTranscoded)) return false;
    const text = lineRow(bytes.toString("utf8", start, end));
    rows.refuse(refusedText({ path, line: lines[row]!, why: invalidBytesText, rule: "encoding", row: text }));
    return true;
  });
}

/** Refuses the first line of a record that is not whole within the bytes that one may take. */
function refuseOpen(
  scanner: Scanner,
  bytes: Buffer,
  from: number,
  to: number,
  line: number,
  path: string,
  { maxRecordBytes }: CsvSettings,
): number {
  const next = scanner.refuseLine(
    bytes,
    from,
    to,
    line,
    `a quote is not closed within ${maxRecordBytes} bytes (maxRecordBytes)${lineRemedy}`,
  );
  if (next < to) return next;
  throw new AlluviumError(
    "ALV_SOURCE_DATA",
    `${path}, line ${line}: a line of more than ${maxRecordBytes} bytes. If rows are so long, raise maxRecordBytes; else it is no CSV file, or has other line ends`,
    { step: "read" },
  );
}

/** Makes cells null whose text stands for it; `undefined` where only empty ones do. */
function nullMarker({ null: texts, quotedNull }: CsvSettings): ((cells: Cells) => void) | undefined {
  const others = texts.filter((text) => text !== "" || quotedNull).map((text) => Buffer.from(text));
  if (others.length === 0) return undefined;
  const sizes = new Set(others.map(({ length }) => length));
  return ({ bytes, rows, width, stride, starts, ends }) => {
    for (let column = 0; column < width; column++)
      for (let at = column * stride, stop = at + rows; at < stop; at++) {
        const packed = starts[at]!;
        const form = packed & 3;
        if (form !== Form.plain && (form !== Form.quoted || !quotedNull)) continue;
        const start = packed >> 2;
        const size = ends[at]! - start;
        if (!sizes.has(size)) continue;
        if (
          others.some(
            (text) => text.length === size && bytes.compare(text, 0, size, start, start + size) === 0,
          )
        )
          starts[at] = packed | Form.null;
      }
  };
}
