import type { Buffer } from "node:buffer";
import { AlluviumError } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import { invalidBytesText, isSoundText } from "../text/invalid-bytes.ts";
import { saidBy } from "../text/said.ts";
import type { CsvSettings } from "./options.ts";
import { sampleText, type SampleRecord } from "./sample.ts";

/** What the files of a table that were read before tell of the next one. */
export interface KnownHeader {
  /** Whether they have a header; `undefined` where none was read. */
  readonly hasHeader: boolean | undefined;
  /** The names of the columns so far. */
  readonly names: () => readonly string[];
  /** Whether there is a column of a name. */
  readonly isName: (name: string) => boolean;
}

/** Whether the first record of a file names its columns, where no option says so. Throws `ALV_SOURCE_DATA` where files before had a header and it names none of their columns. */
export function hasHeader(
  path: string,
  first: SampleRecord,
  { decimal }: CsvSettings,
  known: KnownHeader,
): boolean {
  const texts = first.cells.map(sampleText);
  if (known.hasHeader === undefined)
    // Names are text; a record with a cell that says that it is something else is one of values.
    return (
      texts.some((text) => text !== "") &&
      texts.every((text) => saidBy(decimal === "," ? text.replace(",", ".") : text) === "text")
    );
  if (!known.hasHeader || texts.some(known.isName)) return known.hasHeader;
  throw unreadable(
    path,
    `its first record, ${listed(texts)}, names none of the columns of the files before: ${listed(known.names())}. Say with csv({ header: true }) that it is a header, or with csv({ header: false }) that the files have none`,
  );
}

/** Throws `ALV_SOURCE_DATA` for a header that is no text, or goes on over lines because a quote in it is not closed. */
export function checkHeader(
  path: string,
  first: SampleRecord,
  bytes: Buffer,
  isTranscoded: boolean,
  { invalidBytes, names }: CsvSettings,
): void {
  const control = controlOf(bytes.toString("latin1"));
  if (control !== undefined)
    throw unreadable(
      path,
      `it is no CSV file (its header has the control character ${describeValue(control)})`,
    );
  if (!first.isSound && first.lines > 1)
    throw unreadable(
      path,
      "a quote in its header is not closed where the cell ends. Mend the file, or say what encloses cells with csv({ quote })",
    );
  // Names that were given stand in the place of the header.
  if (names === undefined && invalidBytes === "refuse" && !isSoundText(bytes, 0, bytes.length, isTranscoded))
    throw unreadable(path, `its header ${invalidBytesText}`);
}

/** Throws `ALV_SOURCE_DATA` where the beginning of a file (bytes as characters of the same numbers) shows what it is instead of CSV. */
export function checkText(path: string, text: string, first: string): void {
  const likeness = controlOf(first) === undefined ? undefined : likenessOf(text);
  if (likeness !== undefined) throw unreadable(path, `it is no CSV file (${likeness})`);
}

/** The first control character that text has none of; tab and line ends are in use. */
function controlOf(text: string): string | undefined {
  for (const character of text) if (character < " " && !"\t\n\r".includes(character)) return character;
  return undefined;
}

/** What the bytes of a file look like. */
function likenessOf(text: string): string | undefined {
  if (text.startsWith("PK\u0003") || text.startsWith("PK\u0005"))
    return 'a zip archive, or a workbook, by its first bytes "PK"';
  if (text.startsWith("PAR1") && controlOf(text.slice(4, 5)) !== undefined)
    return 'Parquet by its first bytes "PAR1": parquet() reads it';
  if (text.startsWith("Obj\u0001")) return 'Avro by its first bytes "Obj": avro() reads it';
  if (text.startsWith("\u001f\u008b")) return "gzip within what it was compressed with, by its first bytes";
  const wide = utf16Of(text.slice(0, 1024));
  return wide && `it looks like UTF-16 without a byte order mark: say so with csv({ encoding: "${wide}" })`;
}

/** UTF-16 has a zero in most characters of European languages, always in the same of their two bytes. */
function utf16Of(text: string): "utf-16le" | "utf-16be" | undefined {
  const zeros = [0, 0];
  for (let i = 0; i < text.length; i++) if (text[i] === "\0") zeros[i & 1]! += 1;
  const [even, odd] = zeros as [number, number];
  if (Math.max(even, odd) * 4 < text.length) return undefined;
  return even === 0 ? "utf-16le" : odd === 0 ? "utf-16be" : undefined;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(describeValue).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

function unreadable(path: string, why: string): AlluviumError {
  return new AlluviumError("ALV_SOURCE_DATA", `${path}: ${why}`, { step: "read" });
}
