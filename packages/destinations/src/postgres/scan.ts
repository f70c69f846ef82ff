import type { ColumnType, Schema } from "@alluvium/core";
import {
  createBuilder,
  parseScalar,
  putScalar,
  type Batch,
  type Builder,
  type ListBuilder,
  type Scalar,
} from "@alluvium/core/columns";
import type { SqlCall, SqlStatement } from "../sql/engine.ts";
import type { PgConnection, TextRow } from "./connection.ts";
import { timestampMicros } from "./micros.ts";

/** Rows that the server sends at a time. */
const ROWS = 1000;

let cursors = 0;

/**
 * The rows of a query by batches of `schema`, through a cursor. `hold`: outside of a transaction, where the server keeps the whole result
 * for as long as it is read.
 */
export async function* scanQuery(
  connection: PgConnection,
  { text, values }: SqlStatement,
  schema: Schema,
  call: SqlCall & { readonly hold: boolean },
): AsyncGenerator<Batch, void> {
  const cursor = `alv_scan_${(cursors += 1)}`;
  const columns = schema.fields.map(({ type }, i) => `${asText(`c${i}`, type)} as c${i}`);
  const names = schema.fields.map((_, i) => `c${i}`);
  const options = { signal: call.signal, step: "read" };
  await connection.query(
    `declare ${cursor} no scroll cursor ${call.hold ? "with hold " : ""}for select ${columns.join(", ")} from (${text}) as s(${names.join(", ")})`,
    values,
    options,
  );
  try {
    for (;;) {
      const { rows } = await connection.query(`fetch ${ROWS} from ${cursor}`, [], options);
      if (rows.length > 0) yield batchOf(rows, schema);
      if (rows.length < ROWS) return;
    }
  } finally {
    if (connection.broken === undefined) await connection.query(`close ${cursor}`).catch(() => {});
  }
}

function batchOf(rows: readonly TextRow[], schema: Schema): Batch {
  const columns = schema.fields.map(({ type }, i) => {
    const builder = createBuilder(type, rows.length);
    for (const row of rows) put(builder, type, row[`c${i}`]!);
    return builder.finish();
  });
  return { schema, length: rows.length, columns };
}

/** A value as text that says all of it, in a form that {@link put} reads. */
function asText(value: string, type: ColumnType): string {
  switch (type.kind) {
    case "binary":
      return `encode(${value}, 'hex')`;
    case "date":
      return `cast(${value} - date '1970-01-01' as text)`;
    case "time":
      return `cast(cast(extract(epoch from ${value}) * 1000000 as bigint) as text)`;
    case "timestamp":
      return `cast(${timestampMicros(value)} as text)`;
    case "list":
      return `case when ${value} is not null then coalesce((select cast(json_agg(${asText("u.e", type.element.type)} order by u.n) as text) from unnest(${value}) with ordinality as u(e, n)), '[]') end`;
    default:
      return `cast(${value} as text)`;
  }
}

function put(builder: Builder, type: ColumnType, text: string | null): void {
  if (text === null) return builder.appendNull();
  if (type.kind !== "list") return putScalar(builder, scalarOf(type, text));
  const list = builder as ListBuilder;
  for (const element of JSON.parse(text) as (string | null)[]) put(list.child, type.element.type, element);
  list.close();
}

function scalarOf(type: ColumnType, text: string): Scalar {
  switch (type.kind) {
    case "date":
      return Number(text);
    case "time":
    case "timestamp":
      return BigInt(text);
    case "json":
      return text;
    default:
      return parseScalar(type, text)!;
  }
}
