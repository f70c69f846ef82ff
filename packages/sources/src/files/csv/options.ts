import { AlluviumError, type Json } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import { checkEncoding } from "../text/encoding.ts";

/** Options of {@link csv}. What is not given is found out from the beginning of each file. */
export interface CsvOptions {
  /** What separates cells: one ASCII character. @default the one of tab, `|`, `;` and `,` that splits the records alike */
  readonly delimiter?: string;
  /** What encloses cells that hold delimiters, quotes or line ends; `""`: nothing does. @default `"`, or `'` where only that encloses cells */
  readonly quote?: string;
  /** How a quote inside of quotes is written: `"double"` twice, `"backslash"` after a backslash (twice is understood, too). @default found out */
  readonly escape?: "double" | "backslash";
  /** Whether the first record names the columns. Found out: it does unless one of its cells says that it is a number, a date or the like. @default found out */
  readonly header?: boolean;
  /** Names of the columns, in their order; a header is then not expected, and passed over where `header: true` says that there is one. @default those of the header, else `column1` … */
  readonly names?: readonly string[];
  /** Lines before the header, or the first record, that are passed over. @default 0 */
  readonly skip?: number;
  /** What begins a line that is passed over: one ASCII character. @default none */
  readonly comment?: string;
  /** Texts that stand for null, where they are not quoted. `[]`: none does. @default [""] */
  readonly null?: readonly string[];
  /** Whether quoted texts stand for null as well: for writers that quote everything. @default false */
  readonly quotedNull?: boolean;
  /** What stands between whole and fraction of a number. @default "." */
  readonly decimal?: "." | ",";
  /** Whether columns are what their texts say (numbers, booleans, dates, timestamps), or all are text. Types that the table declares hold either way. @default "detect" */
  readonly types?: "detect" | "text";
  /** A record of fewer cells than there are columns: refused, or the others are null. @default "refuse" */
  readonly shortRows?: "refuse" | "null";
  /** A record of more cells than there are columns: refused, or what is beyond is left out. @default "refuse" */
  readonly longRows?: "refuse" | "cut";
  /** Encoding of files without a byte order mark, by its label in the WHATWG Encoding Standard: `windows-1252`, `utf-16le` … @default "utf-8" */
  readonly encoding?: string;
  /** A record with bytes that stand for no character: refused, or U+FFFD is put in their place. @default "refuse" */
  readonly invalidBytes?: "refuse" | "replace";
  /** Bytes that a record may take; what is longer is refused where a quote was left open, and ends reading otherwise. @default 67 108 864 */
  readonly maxRecordBytes?: number;
}

/** Options with their defaults. */
export interface CsvSettings extends CsvOptions {
  readonly skip: number;
  readonly comment: string;
  readonly null: readonly string[];
  readonly quotedNull: boolean;
  readonly decimal: "." | ",";
  readonly types: "detect" | "text";
  readonly shortRows: "refuse" | "null";
  readonly longRows: "refuse" | "cut";
  readonly invalidBytes: "refuse" | "replace";
  readonly maxRecordBytes: number;
}

const DEFAULTS: CsvSettings = {
  skip: 0,
  comment: "",
  null: [""],
  quotedNull: false,
  decimal: ".",
  types: "detect",
  shortRows: "refuse",
  longRows: "refuse",
  invalidBytes: "refuse",
  maxRecordBytes: 64 * 1024 * 1024,
};

/** Most bytes that `maxRecordBytes` allows: places of cells are counted in 29 bits. */
const MAX_RECORD = 256 * 1024 * 1024;

type Check = readonly [isValid: (value: unknown) => boolean, expected: string];

const oneOf = (...values: readonly unknown[]): Check => [
  (value) => values.includes(value),
  values.map((value) => JSON.stringify(value)).join(" or "),
];
const isCharacter = (value: unknown): boolean => typeof value === "string" && /^[\t -~]$/.test(value);
const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((text) => typeof text === "string");

const CHECKS: { readonly [Name in keyof CsvOptions]-?: Check } = {
  delimiter: [isCharacter, "one ASCII character"],
  quote: [(value) => value === "" || isCharacter(value), 'one ASCII character, or ""'],
  escape: oneOf("double", "backslash"),
  header: oneOf(true, false),
  names: [
    (value) => isTexts(value) && new Set(value as string[]).size === (value as string[]).length,
    "a list of different names",
  ],
  skip: [(value) => Number.isSafeInteger(value) && (value as number) >= 0, "a number of lines"],
  comment: [isCharacter, "one ASCII character"],
  null: [isTexts, "a list of texts"],
  quotedNull: oneOf(true, false),
  decimal: oneOf(".", ","),
  types: oneOf("detect", "text"),
  shortRows: oneOf("refuse", "null"),
  longRows: oneOf("refuse", "cut"),
  encoding: [(value) => typeof value === "string", "a label such as windows-1252"],
  invalidBytes: oneOf("refuse", "replace"),
  maxRecordBytes: [
    (value) => Number.isSafeInteger(value) && (value as number) >= 1024 && (value as number) <= MAX_RECORD,
    `a number of bytes from 1024 to ${MAX_RECORD}`,
  ],
};

/** The options with their defaults. Throws `ALV_CONFIG` for one that is none, naming it. */
export function csvSettings(options: CsvOptions): CsvSettings {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw refused(`options must be an object, not ${describeValue(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = CHECKS[name as keyof CsvOptions];
    if (check === undefined)
      throw refused(`there is no option ${name}; there are ${Object.keys(CHECKS).join(", ")}`);
    if (!check[0](value)) throw refused(`${name} must be ${check[1]}, not ${describeValue(value)}`);
  }
  const { delimiter, quote, comment, encoding } = options;
  if (encoding !== undefined) checkEncoding(encoding, "csv");
  const used = [delimiter, quote, comment].filter((character) => character !== undefined && character !== "");
  if (new Set(used).size < used.length)
    throw refused("delimiter, quote and comment must be different characters");
  if (options.decimal === "," && delimiter === ",")
    throw refused('decimal: "," needs another delimiter than the comma');
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...(Object.fromEntries(given) as CsvOptions) } as CsvSettings;
}

/** What a position inside a file depends on: all but what is done with records that are refused. */
export function csvIdentity(settings: CsvSettings): Json {
  const { shortRows: _, longRows: __, maxRecordBytes: ___, invalidBytes: ____, ...rest } = settings;
  return rest as unknown as Json;
}

function refused(why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `csv: ${why}`);
}
