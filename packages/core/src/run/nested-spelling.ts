import { hash } from "node:crypto";
import type { Capabilities } from "../destination.ts";
import { resourceError } from "../errors.ts";
import { parseName } from "../nesting/path.ts";
import { childFields, rootFields } from "../nesting/system-columns.ts";
import type { TableState } from "../state/state.ts";
import type { Spelling } from "./spelling.ts";

/** What the system's columns of nested tables are called; they keep these names. */
const system = new Set([...rootFields, ...childFields].map(({ name }) => name));

/** What names of a nested table are made from. */
export interface NestedSpellingOptions {
  readonly resource: string;
  readonly table: string;
  readonly capabilities: Capabilities;
  /** A single name as the resource's naming spells it. */
  readonly spell: (name: string) => string;
  /** What the state remembers of the table. */
  readonly known: TableState | undefined;
}

/**
 * How the columns of a table are spelled whose nested values are taken apart: `customer__name` for a member, `value` for the element of a list
 * itself, `meta__empty` for what is there and holds nothing, `meta__v_json` for what has no column yet. Names that are too long are cut, with a part of their hash at the end. Where two columns
 * would have the same, the one that comes later gets a number (`user_id_2`), and keeps it: the state remembers which column is whose.
 */
export function createNestedSpelling(options: NestedSpellingOptions): Spelling {
  const { resource, table, capabilities, spell, known } = options;
  const columns = new Map<string, string>();
  const sources = new Map<string, string>();
  const fold = (name: string): string => (capabilities.foldsCase ? name.toLowerCase() : name);
  for (const [column, source] of Object.entries(known?.columns ?? {})) {
    columns.set(source, column);
    sources.set(fold(column), source);
  }
  return {
    table,
    column(source) {
      if (system.has(source)) return source;
      const before = columns.get(source);
      if (before !== undefined) return before;
      const spelled = spellPath(source, spell);
      if (spelled.toLowerCase().startsWith("_alv_"))
        throw resourceError(
          "ALV_NAME_COLLISION",
          resource,
          `its column ${source} has a reserved name (the system's own start with _alv_); rename it`,
        );
      const column = freeName(spelled, capabilities, (name) => sources.has(fold(name)));
      columns.set(source, column);
      sources.set(fold(column), source);
      return column;
    },
    source: (column) => sources.get(fold(column)) ?? column,
  };
}

function spellPath(source: string, spell: (name: string) => string): string {
  const { path, token } = parseName(source);
  const joined = path.map(spell).join("__");
  if (token === "value" || token === "key") return token;
  if (token === undefined) return joined || "_";
  return `${path.length === 0 ? "value" : joined}__${token === "json" ? "v_json" : "empty"}`;
}

/** A name that the destination takes and nobody has: `name`, or with a number. */
export function freeName(
  name: string,
  { maxIdentifierLength = Infinity }: Capabilities,
  isTaken: (name: string) => boolean,
): string {
  for (let number = 1; ; number++) {
    const numbered = shortened(number === 1 ? name : `${name}_${number}`, maxIdentifierLength);
    if (!isTaken(numbered)) return numbered;
  }
}

function shortened(name: string, most: number): string {
  if (Buffer.byteLength(name) <= most) return name;
  const end = `_${hash("sha256", name, "hex").slice(0, 8)}`;
  let head = "";
  for (const letter of name) {
    if (Buffer.byteLength(head) + Buffer.byteLength(letter) + end.length > most) break;
    head += letter;
  }
  return head + end;
}
