import { pipeline as pump } from "node:stream/promises";
import { Readable } from "node:stream";
import type { ColumnType } from "@alluvium/core";
import { ChangeOp, isValid, type Batch, type Vector } from "@alluvium/core/columns";
import type { TableName, World, WorldTable } from "@alluvium/synthetic";
import type { Client } from "pg";
import { from as copyFrom } from "pg-copy-streams";

const forgottenColumn =
  "alter table customers add column if not exists forgotten boolean not null default false";

/** The columns that the loads follow. */
const followed: readonly (readonly [table: TableName, column: string])[] = [
  ["customers", "updated_at"],
  ["orders", "updated_at"],
  ["order_items", "created_at"],
  ["payments", "created_at"],
];

/** What PostgreSQL calls a column type of the synthetic shop. */
function sqlType(type: ColumnType): string {
  switch (type.kind) {
    case "int16":
      return "smallint";
    case "int32":
      return "integer";
    case "int64":
      return "bigint";
    case "boolean":
      return "boolean";
    case "decimal":
      return `numeric(${type.precision},${type.scale})`;
    case "date":
      return "date";
    case "timestamp":
      return type.zone === "utc" ? "timestamptz" : "timestamp";
    case "json":
      return "jsonb";
    default:
      return "text";
  }
}

/** A value as text of PostgreSQL's COPY. */
function copyText(vector: Vector, row: number): string {
  if (!isValid(vector, row)) return "\\N";
  const { type } = vector;
  if (vector.layout === "bytes") {
    const text = Buffer.from(
      vector.data.buffer,
      vector.data.byteOffset + vector.offsets[row]!,
      vector.offsets[row + 1]! - vector.offsets[row]!,
    );
    return text
      .toString()
      .replace(/[\\\t\n\r]/g, (char) => `\\${{ "\\": "\\", "\t": "t", "\n": "n", "\r": "r" }[char]}`);
  }
  if (vector.layout === "boolean") return ((vector.values[row >> 3]! >> (row & 7)) & 1) === 1 ? "t" : "f";
  if (vector.layout !== "fixed") throw new Error(`the shop has no ${vector.layout} columns`);
  const value = vector.values[row]!;
  if (type.kind === "timestamp") return new Date(Number(value) / 1000).toISOString();
  if (type.kind === "date") return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
  if (type.kind === "decimal") {
    const digits = String(value).padStart(type.scale + 1, "0");
    return `${digits.slice(0, -type.scale)}.${digits.slice(-type.scale)}`;
  }
  return String(value);
}

function* copyLines(batch: Batch, only: (row: number) => boolean): Generator<string> {
  let lines = "";
  for (let row = 0; row < batch.length; row++) {
    if (!only(row)) continue;
    lines += `${batch.columns.map((vector) => copyText(vector, row)).join("\t")}\n`;
    if (lines.length > 65_536) {
      yield lines;
      lines = "";
    }
  }
  if (lines) yield lines;
}

async function copyInto(
  client: Client,
  table: string,
  batch: Batch,
  only: (row: number) => boolean = () => true,
): Promise<void> {
  const columns = batch.schema.fields.map((field) => `"${field.name}"`).join(", ");
  await pump(
    Readable.from(copyLines(batch, only)),
    client.query(copyFrom(`copy "${table}" (${columns}) from stdin`)),
  );
}

/** The shop's time, kept in the database beside its rows; `undefined` when there is no shop yet. */
export async function shopTime(client: Client): Promise<Date | undefined> {
  const known = await client.query("select to_regclass('clock.shop') as clock");
  if (known.rows[0].clock === null) return undefined;
  return (await client.query("select at from clock.shop")).rows[0].at as Date;
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query("begin");
  try {
    await work();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

/** Creates the tables and fills them with all that happened until `at`: all of it or, when stopped, nothing. */
export async function openShop(client: Client, world: World, at: Date, signal: AbortSignal): Promise<void> {
  await inTransaction(client, async () => {
    await client.query("create schema clock");
    await client.query("create table clock.shop (at timestamptz not null)");
    await client.query("insert into clock.shop values ($1)", [at]);
    for (const name of world.tables) {
      const table = world.table(name);
      const columns = table.schema.fields.map(
        (field) => `"${field.name}" ${sqlType(field.type)}${field.nullable ? "" : " not null"}`,
      );
      const key = table.primaryKey.map((column) => `"${column}"`).join(", ");
      await client.query(`create table "${name}" (${columns.join(", ")}, primary key (${key}))`);
      for await (const batch of table.asOf(at).range()) {
        signal.throwIfAborted();
        await copyInto(client, name, batch);
      }
    }
    await client.query(forgottenColumn);
    for (const [name, column] of followed) await client.query(`create index on "${name}" ("${column}")`);
  });
  await client.query("vacuum analyze");
}

/** What a week did to one table. */
export interface TableChanges {
  readonly inserted: number;
  readonly updated: number;
}

/**
 * Lets the shop live until `to`: new customers, orders, lines and payments, and orders that were paid, shipped, delivered or cancelled.
 * All of it or, when stopped, nothing.
 */
export async function advanceShop(
  client: Client,
  world: World,
  to: Date,
  signal: AbortSignal,
): Promise<ReadonlyMap<TableName, TableChanges>> {
  const changed = new Map<TableName, TableChanges>();
  await inTransaction(client, async () => {
    const from = (await shopTime(client))!;
    for await (const { table, batch } of world.changes(from, to)) {
      signal.throwIfAborted();
      const { ops } = batch.changes!;
      const count = (op: number): number => ops.reduce((sum, one) => sum + (one === op ? 1 : 0), 0);
      await copyInto(client, table, batch, (row) => ops[row] === ChangeOp.insert);
      if (count(ChangeOp.update) > 0) await updateRows(client, world.table(table), batch);
      const before = changed.get(table) ?? { inserted: 0, updated: 0 };
      changed.set(table, {
        inserted: before.inserted + count(ChangeOp.insert),
        updated: before.updated + count(ChangeOp.update),
      });
    }
    await client.query("update clock.shop set at = $1", [to]);
  });
  return changed;
}

/** Puts the updated rows of a batch in place of those of their keys. */
async function updateRows(client: Client, { name, primaryKey }: WorldTable, batch: Batch): Promise<void> {
  const { ops } = batch.changes!;
  await client.query(`create temporary table changed (like "${name}") on commit drop`);
  await copyInto(client, "changed", batch, (row) => ops[row] === ChangeOp.update);
  const set = batch.schema.fields.map((field) => `"${field.name}" = changed."${field.name}"`).join(", ");
  const key = primaryKey.map((column) => `"${name}"."${column}" = changed."${column}"`).join(" and ");
  await client.query(`update "${name}" set ${set} from changed where ${key}`);
  await client.query("drop table changed");
}

/**
 * Some customers ask to be forgotten. Their row stays as a mark with nothing personal in it, as in many shops: a loader that follows
 * `updated_at` could not see that a row is gone. Returns how many there were.
 */
export async function forgetCustomers(client: Client, at: Date): Promise<number> {
  // A shop that was filled by an older version of this example lacks it.
  await client.query(forgottenColumn);
  const forgotten = await client.query(
    `update customers set forgotten = true, updated_at = $1, email = '', first_name = '', last_name = '', birth_date = null
     where customer_id % 400 = $2 and not forgotten`,
    [at, Math.floor(at.getTime() / 604_800_000) % 400],
  );
  return forgotten.rowCount ?? 0;
}
