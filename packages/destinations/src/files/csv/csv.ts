import type { Schema } from "@alluvium/core";
import {
  formatScalar,
  isScalar,
  isValid,
  scalarReader,
  type Batch,
  type Vector,
} from "@alluvium/core/columns";
import type { Codec } from "../text/codec.ts";
import type { TextFormat } from "../text/format.ts";
import { base64, jsonValueReader } from "../text/json-value.ts";
import { parseCells } from "./parse.ts";

/** What may be chosen of the text. */
export interface CsvDialect {
  readonly delimiter: string;
  /** Stands, without quotes, for null; the same text as a value is quoted. */
  readonly null: string;
}

/**
 * CSV with a line of names, quoted where needed.
 * Source: https://www.rfc-editor.org/rfc/rfc4180, with line ends of one character
 */
export function csvFormat(codec: Codec, dialect: CsvDialect): TextFormat {
  const { delimiter, null: nothing } = dialect;
  const quoted = quoting(dialect);
  return {
    name: "csv",
    title: "CSV",
    codec,
    dialect: { delimiter, null: nothing },
    head: ({ fields }: Schema) => `${fields.map(({ name }) => quoted(name)).join(delimiter)}\n`,
    rows: ({ columns }: Batch) => {
      const readers = columns.map((column) => cellReader(column, quoted, nothing));
      return (from, to) => {
        let text = "";
        for (let row = from; row < to; row++) {
          for (let i = 0; i < readers.length; i++)
            text += i === 0 ? readers[i]!(row) : delimiter + readers[i]!(row);
          text += "\n";
        }
        return text;
      };
    },
    parse: (text, schema) => parseCells(text, schema, dialect),
  };
}

/** Quotes a cell where it would be read as something else without. */
function quoting({ delimiter, null: nothing }: CsvDialect): (text: string) => string {
  const escaped = delimiter.replace(/[\\\]^-]/g, "\\$&");
  // Spaces around a cell, and a mark of byte order, are taken away by some readers.
  const special = new RegExp(`[${escaped}"\\n\\r]|^[\\s\\ufeff]|\\s$`, "u");
  return (text) =>
    text === "" || text === nothing || special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function cellReader(
  vector: Vector,
  quoted: (text: string) => string,
  nothing: string,
): (row: number) => string {
  const read = valueReader(vector);
  if (vector.layout === "dictionary") {
    const texts: (string | undefined)[] = [];
    const value = valueReader(vector.dictionary);
    return (row) =>
      isValid(vector, row) ? (texts[vector.codes[row]!] ??= quoted(value(vector.codes[row]!))) : nothing;
  }
  return (row) => (isValid(vector, row) ? quoted(read(row)) : nothing);
}

function valueReader(vector: Vector): (row: number) => string {
  const { type } = vector;
  if (!isScalar(type)) return jsonValueReader(vector);
  const read = scalarReader(vector);
  if (type.kind === "string" || type.kind === "json") return (row) => read(row) as string;
  if (type.kind === "binary") return (row) => base64(read(row) as Uint8Array);
  return (row) => formatScalar(type, read(row)!);
}
