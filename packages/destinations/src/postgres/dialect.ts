import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { ColumnType, Field } from "@alluvium/core";
import type { CountedStatement, DeleteMatching, SqlDialect, UpsertStatements } from "../sql/dialect.ts";
import type { SqlStatement } from "../sql/engine.ts";
import { markTable } from "./catalogue.ts";
import { timestampMicros } from "./micros.ts";
import { identifier, relationName } from "./sql.ts";
import { typeName } from "./types.ts";

/** Bytes that an identifier may have (NAMEDATALEN - 1). */
export const IDENTIFIER_BYTES = 63;

/** How SQL is spelled in PostgreSQL. */
export function postgresDialect(options: {
  readonly schema: string;
  readonly json: "jsonb" | "json";
  /** `server_version_num`. */
  readonly version: number;
}): SqlDialect {
  const { schema, json, version } = options;
  const table = (name: string): string => relationName({ schema, name });
  return {
    schema,
    quote: identifier,
    table,
    typeName: (type) => typeName(type, json),
    bind(type, text, position) {
      if (type.kind === "binary") return { sql: `decode($${position}, 'hex')`, value: text };
      const value = type.kind === "date" || type.kind === "timestamp" ? dateText(text) : text;
      return { sql: `cast($${position} as ${typeName(type, json)})`, value };
    },
    same(left, right, type) {
      const [a, b] = lacksEquality(type, json) ? [`${left}::text`, `${right}::text`] : [left, right];
      return `${a} is not distinct from ${b}`;
    },
    ordered(expression, type) {
      if (type.kind === "string") return `${expression} collate "C"`;
      return lacksEquality(type, json) || type.kind === "json"
        ? `${expression}::text collate "C"`
        : expression;
    },
    // In days and the rest: products with intervals are computed in doubles, which hold these exactly.
    fromMicros: (expression) =>
      `(timestamptz '1970-01-01 00:00:00+00' + ((${expression}) / 86400000000) * interval '1 day' + ((${expression}) % 86400000000) * interval '1 microsecond')`,
    toMicros: timestampMicros,
    identify: (name, id) => markTable(table(name), id),
    // Not TRUNCATE: readers would wait for the whole load, and older snapshots would see an empty table.
    clear: (name) => `delete from ${table(name)}`,
    index(name, columns, unique) {
      const list = columns.map(identifier).join(", ");
      const called = identifier(indexName(name, columns, unique));
      return [`create ${unique ? "unique " : ""}index if not exists ${called} on ${table(name)} (${list})`];
    },
    deleteMatching,
    upsert: version >= TELLS_ACTIONS ? mergeStatements : upsertStatements,
  };
}

/** A name for an index that no other of the schema has, in 63 bytes. */
function indexName(table: string, columns: readonly string[], unique: boolean): string {
  const end = createHash("sha256")
    .update(JSON.stringify([table, columns, unique]))
    .digest("hex")
    .slice(0, 8);
  let start = `${table}_${columns.join("_")}`;
  while (Buffer.byteLength(start) > IDENTIFIER_BYTES - 9) start = start.slice(0, -1);
  // Half of a surrogate pair has no bytes of its own.
  return `${start.replace(/[\uD800-\uDBFF]$/, "")}_${end}`;
}

/** ISO years beyond four digits, and before the year 1, as PostgreSQL reads them. */
function dateText(text: string): string {
  const match = /^([+-]?)(\d{4,})(-\d\d-\d\d.*)$/.exec(text);
  if (match === null) return text;
  const [, sign, year, rest] = match as unknown as [string, string, string, string];
  const number = Number(year);
  if (sign !== "-" && number > 0) return `${year.replace(/^0+(?=\d{4})/, "")}${rest}`;
  return `${String(number + 1).padStart(4, "0")}${rest} BC`;
}

function lacksEquality(type: ColumnType, json: "jsonb" | "json"): boolean {
  if (type.kind === "list") return lacksEquality(type.element.type, json);
  return type.kind === "json" && json === "json";
}

/**
 * Nulls do not join, and what compares them with `is not distinct from` cannot use an index: rows with a null among the columns are deleted by a
 * statement of their own, over stand-ins that join.
 */
function deleteMatching({ target, source, columns, nullable }: DeleteMatching): readonly SqlStatement[] {
  const names = columns.map(({ name }) => identifier(name));
  const matching = (condition: string): SqlStatement => ({
    text: `delete from ${target} as t using (select distinct ${names.join(", ")} from ${source} as s) as s where ${condition}`,
  });
  const statements = [matching(names.map((name) => `t.${name} = s.${name}`).join(" and "))];
  if (!nullable) return statements;
  const anyNull = names.map((name) => `s.${name} is null`).join(" or ");
  const same = columns.map((field, i) => {
    const name = names[i]!;
    const standIn = standInOf(field);
    return `coalesce(t.${name}, ${standIn}) = coalesce(s.${name}, ${standIn}) and (t.${name} is null) = (s.${name} is null)`;
  });
  return [...statements, matching(`(${anyNull}) and ${same.join(" and ")}`)];
}

/** Some value of a column's type. */
function standInOf({ type }: Field): string {
  switch (type.kind) {
    case "boolean":
      return "false";
    case "date":
    case "timestamp":
      return `cast('1970-01-01' as ${typeName(type, "jsonb")})`;
    case "time":
      return "time '00:00'";
    case "uuid":
      return "cast('00000000-0000-0000-0000-000000000000' as uuid)";
    case "json":
      return "cast('null' as jsonb)";
    case "list":
      return `cast('{}' as ${typeName(type, "jsonb")})`;
    case "string":
    case "binary":
      return `cast('' as ${typeName(type, "jsonb")})`;
    default:
      return `cast(0 as ${typeName(type, "jsonb")})`;
  }
}

/** `MERGE … RETURNING merge_action()` is in PostgreSQL 17. */
const TELLS_ACTIONS = 170_000;

/** One pass over the rows that says what it did to each. */
function mergeStatements(options: UpsertStatements): readonly CountedStatement[] {
  const { target, source, keys, deletes, known } = options;
  if (known === "keep") return [insertMissing(options)];
  const { names, others } = namesOf(options);
  const update = others.map((name) => `${name} = s.${name}`).join(", ");
  const when = [
    ...(deletes ? ["when matched and s._alv_delete then delete"] : []),
    // Rows that are nothing but their key are as they were.
    `when matched then ${others.length === 0 ? "do nothing" : `update set ${update}`}`,
    `when not matched${deletes ? " and not s._alv_delete" : ""} then insert (${names.join(", ")}) values (${names.map((name) => `s.${name}`).join(", ")})`,
  ];
  const merge = `merge into ${target} as t using ${source} as s on ${equalKeys(keys)} ${when.join(" ")} returning merge_action() as action`;
  const counts = ["insert", "update", "delete"].map(
    (action) =>
      `count(*) filter (where m.action = '${action.toUpperCase()}') as ${action === "insert" ? "inserted" : `${action}d`}`,
  );
  return [{ text: `with m as (${merge}) select ${counts.join(", ")} from m`, counts: "each" }];
}

/** A statement for each thing that happens to rows, so that each number is known. */
function upsertStatements(options: UpsertStatements): readonly CountedStatement[] {
  const { target, source, keys, deletes, known } = options;
  if (known === "keep") return [insertMissing(options)];
  const { others } = namesOf(options);
  const statements: CountedStatement[] = [];
  if (deletes)
    statements.push({
      text: `delete from ${target} as t using ${source} as s where s._alv_delete and ${equalKeys(keys)}`,
      counts: "deleted",
    });
  if (others.length > 0)
    statements.push({
      text: `update ${target} as t set ${others.map((name) => `${name} = s.${name}`).join(", ")} from ${source} as s where ${equalKeys(keys)}${deletes ? " and not s._alv_delete" : ""}`,
      counts: "updated",
    });
  return [...statements, insertMissing(options)];
}

/** Adds the rows whose keys are not there. */
function insertMissing(options: UpsertStatements): CountedStatement {
  const { target, source, keys, deletes } = options;
  const { names } = namesOf(options);
  return {
    text:
      `insert into ${target} (${names.join(", ")}) select ${names.map((name) => `s.${name}`).join(", ")} from ${source} as s` +
      `${deletes ? " where not s._alv_delete" : ""} on conflict (${keys.map(({ name }) => identifier(name)).join(", ")}) do nothing`,
    counts: "inserted",
  };
}

function equalKeys(keys: readonly Field[]): string {
  return keys.map(({ name }) => `t.${identifier(name)} = s.${identifier(name)}`).join(" and ");
}

/** All columns, and those that are no keys. */
function namesOf({ keys, columns }: UpsertStatements): {
  readonly names: readonly string[];
  readonly others: readonly string[];
} {
  const others = columns.filter(({ name }) => !keys.some((key) => key.name === name));
  return {
    names: columns.map(({ name }) => identifier(name)),
    others: others.map(({ name }) => identifier(name)),
  };
}
