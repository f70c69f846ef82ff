import { AlluviumError, type Json, type RefusedRow } from "@alluvium/core";
import type { DecoderContext, FileContent, FileDecoder, FileItem } from "../format.ts";
import { invalidBytesText, isSoundText } from "../text/invalid-bytes.ts";
import { lineTooLong } from "../text/line-too-long.ts";
import { lineRow, refusedText } from "../text/refused-text.ts";
import { blockBytes, openText, type TextBlocks } from "../text/text-blocks.ts";
import { createObjectRows } from "./object-rows.ts";
import type { JsonSettings } from "./options.ts";
import { createValueSkipper, isSpace, valueEnd } from "./value-end.ts";

const MAX_ROWS = 65_536;
const MAX_REFUSED = 1000;

/** Where reading a document can go on. */
interface DocumentPosition {
  /** Bytes of the text as UTF-8 before it. */
  readonly offset: number;
  /** Rows before it, refused ones included. */
  readonly row: number;
  /** Whether it stands behind an element of the list of rows; else between documents. */
  readonly inList: boolean;
}

/**
 * The decoder of the JSON documents of one table. Rows are cut out of the text one by one, so that no more than a window of it and a row are held, however
 * large a document is.
 */
export function documentDecoder(settings: JsonSettings, context: DecoderContext): FileDecoder {
  const { signal, batchBytes } = context;
  const { path: steps, maxRecordBytes } = settings;
  const objects = createObjectRows(settings, context, "row");

  async function* read(file: FileContent, since?: Json): AsyncGenerator<FileItem> {
    const { path } = file;
    const from = (since ?? { offset: 0, row: 0, inList: false }) as unknown as DocumentPosition;
    await using text: TextBlocks & AsyncDisposable = await openText(
      file,
      settings.encoding,
      from.offset,
      signal,
    );
    let { row } = from;
    let refused: RefusedRow[] = [];
    let numbers: number[] = [];

    function* take(inList: boolean): Generator<FileItem> {
      const position = { offset: text.offset, row, inList };
      const [given, rows] = [refused, numbers];
      refused = [];
      numbers = [];
      if (given.length > 0) yield rows.length === 0 ? { refused: given, position } : { refused: given };
      if (rows.length > 0)
        yield { batch: objects.finish(), locate: (index) => ({ row: rows[index]! }), position };
    }

    function broken(why: string): AlluviumError {
      return new AlluviumError(
        "ALV_SOURCE_DATA",
        `${path}, byte ${text.offset}: ${why}. If each line is a document of its own, with errors in some, jsonLines() reads the others`,
        { step: "read" },
      );
    }

    /** The next byte that is no space; -1 at the end. */
    async function next(): Promise<number> {
      for (;;) {
        let { start } = text;
        while (start < text.end && isSpace(text.bytes[start]!)) start += 1;
        text.skip(start);
        if (start < text.end) return text.bytes[start]!;
        if (text.isLast) return -1;
        signal.throwIfAborted();
        await text.fill();
      }
    }

    /** Passes over a byte that must come next. */
    async function expect(byte: number, what: string): Promise<void> {
      const found = await next();
      if (found !== byte)
        throw broken(
          `${found < 0 ? "the file ends" : JSON.stringify(String.fromCharCode(found))} where ${what} was expected`,
        );
      text.skip(text.start + 1);
    }

    /** Brings the whole next value into the window; gives where it ends. */
    async function whole(): Promise<number> {
      for (let size = blockBytes; ;) {
        const end = valueEnd(text.bytes, text.start, text.end, text.isLast);
        if (end >= 0) return end;
        if (text.isLast) throw broken("the file ends within a value");
        const held = text.end - text.start;
        if (held >= maxRecordBytes) throw lineTooLong(path, row + 1, maxRecordBytes, "a value");
        while (size <= held) size *= 2;
        await text.fill(Math.min(size, maxRecordBytes));
      }
    }

    async function passValue(): Promise<void> {
      const skipper = createValueSkipper();
      for (;;) {
        const end = skipper.skip(text.bytes, text.start, text.end);
        text.skip(end < 0 ? text.end : end);
        if (end >= 0) return;
        if (text.isLast) throw broken("the file ends within a value");
        signal.throwIfAborted();
        await text.fill();
      }
    }

    /** Reads the next value as a row. */
    async function readRow(): Promise<void> {
      const end = await whole();
      const { bytes, start } = text;
      row += 1;
      const source = bytes.toString("utf8", start, end);
      const isSound =
        settings.invalidBytes === "replace" || isSoundText(bytes, start, end, text.isTranscoded);
      const problem = isSound
        ? objects.append(source, path, row)
        : refusedText({
            path,
            line: row,
            unit: "row",
            why: invalidBytesText,
            rule: "encoding",
            row: lineRow(source),
          });
      if (problem === undefined) numbers.push(row);
      else refused.push(problem);
      text.skip(end);
    }

    const isFull = (): boolean =>
      numbers.length >= MAX_ROWS ||
      refused.length >= MAX_REFUSED ||
      ((numbers.length & 63) === 0 && objects.byteLength >= batchBytes);

    /** The elements of a list, which are rows; `isInside`: behind one of them. */
    async function* list(isInside: boolean): AsyncGenerator<FileItem> {
      let inside = isInside;
      for (;;) {
        const byte = await next();
        if (byte === 93) {
          text.skip(text.start + 1);
          return;
        }
        if (inside) await expect(44, "a comma or the end of the list");
        const found = await next();
        if (found < 0 || found === 44 || found === 93 || found === 125)
          throw broken("an element of the list is missing");
        await readRow();
        inside = true;
        if (isFull()) yield* take(true);
      }
    }

    /** The rest of an object on the way to the rows, behind one of its members or at its beginning. */
    async function* members(level: number, isInside: boolean): AsyncGenerator<FileItem> {
      let inside = isInside;
      for (;;) {
        const byte = await next();
        if (byte === 125) {
          text.skip(text.start + 1);
          return;
        }
        if (inside) await expect(44, "a comma or the end of an object");
        if ((await next()) !== 34) throw broken("a member of an object has no name");
        const end = await whole();
        const name = parsedName(text.bytes.toString("utf8", text.start, end));
        text.skip(end);
        await expect(58, "a colon");
        if ((await next()) < 0) throw broken("the file ends within an object");
        if (name === steps[level]) yield* value(level + 1);
        else await passValue();
        inside = true;
      }
    }

    function parsedName(source: string): string {
      try {
        return JSON.parse(source) as string;
      } catch {
        throw broken(`${source} is no name of a member`);
      }
    }

    /** The value that `level` steps lead to. */
    async function* value(level: number): AsyncGenerator<FileItem> {
      const byte = await next();
      if (level < steps.length) {
        if (byte === 123) {
          text.skip(text.start + 1);
          yield* members(level, false);
        } else if (byte === 110) await passValue();
        else
          throw broken(
            `${steps.slice(0, level).join(".") || "the document"} is no object, so ${steps.join(".")} leads to no rows`,
          );
      } else if (byte === 91) {
        text.skip(text.start + 1);
        yield* list(false);
      } else if (byte === 110 && steps.length > 0) await passValue();
      else await readRow();
    }

    if (from.inList) {
      yield* list(true);
      for (let level = steps.length - 1; level >= 0; level--) yield* members(level, true);
    }
    while ((await next()) >= 0) {
      yield* value(0);
      if (isFull()) yield* take(false);
    }
    yield* take(false);
  }

  return { read };
}
