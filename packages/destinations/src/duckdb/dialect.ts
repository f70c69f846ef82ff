import type { SqlDialect } from "../sql/dialect.ts";
import { bindText, deleteAndInsert, deleteUsing, quoteName, quoteText } from "../sql/standard.ts";
import { typeName } from "./types.ts";

/** Before the id in a table's comment, which may hold other text too. */
const mark = "alluvium table ";

/** The id that a comment holds. */
export function idInComment(comment: string | null): string | undefined {
  if (comment === null) return undefined;
  const at = comment.indexOf(mark);
  const id = at < 0 ? "" : comment.slice(at + mark.length, at + mark.length + 36);
  return /^[0-9a-f-]{36}$/.test(id) ? id : undefined;
}

/** How DuckDB spells SQL. `schema`: in which all tables are. */
export function duckdbDialect(schema: string): SqlDialect {
  const table = (name: string): string => `${quoteName(schema)}.${quoteName(name)}`;
  const same = (left: string, right: string): string => `${left} is not distinct from ${right}`;
  return {
    schema,
    quote: quoteName,
    table,
    typeName,
    bind(type, text, position) {
      if (type.kind === "binary") return { sql: `from_hex($${position})`, value: text };
      return bindText(typeName(type), type, text, position);
    },
    same,
    // Text compares by its bytes, NaN is the greatest number.
    ordered: (expression) => expression,
    fromMicros: (expression) => `make_timestamptz(${expression})`,
    toMicros: (expression) => `epoch_us(${expression})`,
    identify: (name, id) => `comment on table ${table(name)} is ${quoteText(`${mark}${id}`)}`,
    clear: (name) => `delete from ${table(name)}`,
    // A merge that deletes and inserts scans the key columns faster than it could keep an index.
    index: () => [],
    deleteMatching: (options) => deleteUsing(options, same),
    upsert: deleteAndInsert,
  };
}
