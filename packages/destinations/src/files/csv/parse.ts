import type { ColumnType, Schema } from "@alluvium/core";
import { isScalar, parseJson } from "@alluvium/core/columns";
import { restoredValue } from "../text/json-value.ts";
import type { CsvDialect } from "./csv.ts";

/** The rows of a file that `csvFormat` wrote: the columns that its first line names, of those that `schema` has. */
export async function* parseCells(
  text: AsyncIterable<string>,
  schema: Schema,
  dialect: CsvDialect,
): AsyncGenerator<object> {
  const types = new Map(schema.fields.map(({ name, type }) => [name, type]));
  let names: readonly string[] | undefined;
  for await (const cells of recordsOf(text, dialect)) {
    if (names === undefined) {
      names = cells.map((cell) => cell ?? "");
      continue;
    }
    if (cells.length !== names.length)
      throw new SyntaxError(`a line has ${cells.length} cells where ${names.length} columns are named`);
    const row: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) {
      const type = types.get(names[i]!);
      const cell = cells[i]!;
      if (type !== undefined) row[names[i]!] = cell === null ? null : restoredCell(type, cell);
    }
    yield row;
  }
}

function restoredCell(type: ColumnType, cell: string): unknown {
  if (type.kind === "boolean") return cell === "true";
  if (type.kind === "json" || !isScalar(type)) return restoredValue(type, parseJson(cell));
  return restoredValue(type, cell);
}

/** The cells of each line; `null` for those that say so without quotes. */
async function* recordsOf(
  text: AsyncIterable<string>,
  { delimiter, null: nothing }: CsvDialect,
): AsyncGenerator<readonly (string | null)[]> {
  let rest = "";
  let cells: (string | null)[] = [];
  let cell = "";
  let state: "start" | "plain" | "quoted" | "closed" = "start";
  const endCell = (): void => {
    cells.push(state === "closed" || cell !== nothing ? cell : null);
    cell = "";
    state = "start";
  };
  for await (const piece of text) {
    const all = rest + piece;
    rest = "";
    let at = 0;
    while (at < all.length) {
      if (state === "quoted") {
        const quote = all.indexOf('"', at);
        if (quote < 0) {
          cell += all.slice(at);
          break;
        }
        cell += all.slice(at, quote);
        // Whether it is doubled is seen at the next character.
        if (quote + 1 === all.length) {
          rest = '"';
          break;
        }
        if (all[quote + 1] === '"') {
          cell += '"';
          at = quote + 2;
        } else {
          state = "closed";
          at = quote + 1;
        }
        continue;
      }
      const char = all[at++]!;
      if (char === delimiter) endCell();
      else if (char === "\n") {
        endCell();
        yield cells;
        cells = [];
      } else if (char === '"' && state === "start") state = "quoted";
      else {
        state = "plain";
        cell += char;
      }
    }
  }
  if (rest !== "") state = "closed";
  if (state === "quoted") throw new SyntaxError("it ends within quotes");
  if (cells.length > 0 || state !== "start") {
    endCell();
    yield cells;
  }
}
