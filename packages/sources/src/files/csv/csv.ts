import type { FileFormat } from "../format.ts";
import { csvDecoder } from "./decoder.ts";
import { csvIdentity, csvSettings, type CsvOptions } from "./options.ts";

/**
 * The format of CSV files: cells in lines, as RFC 4180 has them and as most programs write them. Delimiter, quotes, line ends, header and the types of the columns
 * are found out from the beginning of each file, unless options or the table say them. A record that is none (another number of cells, text
 * after a closing quote, bytes that stand for no character, a value that a declared column does not hold) is refused with its line, and reading goes on.
 *
 * Throws `ALV_CONFIG` for options that are none.
 *
 * @example
 * ```ts
 * const format = csv({ delimiter: ";", decimal: ",", encoding: "windows-1252", null: ["", "NULL"] });
 * ```
 */
export function csv(options: CsvOptions = {}): FileFormat {
  const settings = csvSettings(options);
  return {
    specVersion: 1,
    name: "csv",
    identity: csvIdentity(settings),
    infer: settings.types === "text" ? {} : { dates: true, timestamps: true },
    decoder: (context) => csvDecoder(settings, context),
  };
}
