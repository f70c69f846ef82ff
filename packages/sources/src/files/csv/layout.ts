import type { Json } from "@alluvium/core";
import type { TextBlocks } from "../text/text-blocks.ts";
import { detectDialect, usualWidth } from "./detect.ts";
import { decodeDialect, encodeDialect, type Dialect } from "./dialect.ts";
import type { CsvSettings } from "./options.ts";
import { checkHeader, checkText, hasHeader, type KnownHeader } from "./header.ts";
import { sampleRecords, sampleText } from "./sample.ts";
import { lineTooLong } from "../text/line-too-long.ts";
import { uniqueNames } from "./names.ts";

/** How one file is laid out. */
export interface Layout {
  readonly dialect: Dialect;
  /** The names of its columns. */
  readonly names: readonly string[];
}

/** A layout that was found out, and where its first record is. */
export interface FoundLayout {
  readonly layout: Layout;
  /** The line that the first record begins in. */
  readonly line: number;
  /** Whether there is a header; `undefined` where names were given. */
  readonly hasHeader: boolean | undefined;
}

/** Bytes by which the layout of a file is found out. */
const SAMPLE = 256 * 1024;
/** Records that say how many cells they have, and whether there is a header. */
const RECORDS = 1000;

/**
 * Finds out how a file is laid out, and passes over what stands before its first record. `undefined`: it has none. Throws `ALV_SOURCE_DATA`
 * for what is no CSV, or has no header where there must be one.
 */
export async function findLayout(
  path: string,
  text: TextBlocks,
  settings: CsvSettings,
  known: KnownHeader,
): Promise<FoundLayout | undefined> {
  const { comment, names, quote, escape, delimiter, maxRecordBytes } = settings;
  for (let size = SAMPLE; ; size *= 4) {
    await text.fill(Math.min(size, maxRecordBytes));
    const isWhole = text.isLast;
    const sample = text.bytes.toString("latin1", text.start, text.end);
    const skipped = endOfLines(sample, settings.skip);
    if (skipped === undefined && !isWhole && size < maxRecordBytes) continue;
    const from = skipped ?? sample.length;
    const rest = sample.slice(from);
    const dialect = detectDialect(rest, isWhole, {
      comment,
      ...(delimiter !== undefined && { delimiter }),
      ...(quote !== undefined && { quote }),
      ...(escape !== undefined && { escape: escape === "backslash" ? "\\" : (quote ?? '"') }),
    });
    const records = sampleRecords(rest, dialect, { isWhole, comment, limit: RECORDS });
    const first = records[0];
    // A first record that is longer than the sample.
    if (first === undefined && !isWhole && size < maxRecordBytes) continue;
    if (first === undefined) {
      if (!isWhole) checkText(path, sample, sample);
      if (!isWhole && names === undefined)
        throw lineTooLong(path, settings.skip + 1, maxRecordBytes, "a first record");
      text.skip(text.start + from);
      if (isWhole || names === undefined) return undefined;
      return { layout: { dialect, names }, line: settings.skip + 1, hasHeader: undefined };
    }
    checkText(path, sample, first.cells.map((cell) => cell.text).join(""));
    const isNamed = settings.header ?? (names === undefined && hasHeader(path, first, settings, known));
    const start = text.start + from;
    const next = start + (isNamed ? first.end : 0);
    if (isNamed) checkHeader(path, first, text.bytes.subarray(start, next), text.isTranscoded, settings);
    const width = isNamed ? first.cells.length : usualWidth(records);
    const found = isNamed ? first.cells.map(sampleText) : Array.from({ length: width }, () => "");
    const line = settings.skip + 1 + lineEnds(rest.slice(0, next - start), dialect.lineEnd);
    text.skip(next);
    return {
      layout: { dialect, names: names ?? uniqueNames(found) },
      line,
      hasHeader: names === undefined ? isNamed : undefined,
    };
  }
}

/** Where the first `count` lines end; `undefined` where there are not so many. */
function endOfLines(text: string, count: number): number | undefined {
  const pattern = /\r\n|\n|\r/g;
  let end = 0;
  for (let i = 0; i < count; i++) {
    if (pattern.exec(text) === null) return undefined;
    end = pattern.lastIndex;
  }
  return end;
}

function lineEnds(text: string, lineEnd: string): number {
  return text.split(lineEnd).length - 1;
}

/** A layout as part of a position. */
export function encodeLayout({ dialect, names }: Layout): Json {
  return { dialect: encodeDialect(dialect), names };
}

/** The layout of a position. */
export function decodeLayout(json: { readonly [name: string]: Json }): Layout {
  return { dialect: decodeDialect(json["dialect"]!), names: json["names"] as readonly string[] };
}
