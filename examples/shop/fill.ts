import { pipeline as pump } from "node:stream/promises";
import { Readable } from "node:stream";
import type { ColumnType } from "@alluvium/core";
import { isValid, type Batch, type Vector } from "@alluvium/core/columns";
import type { TableName, World } from "@alluvium/synthetic";
import type { Client } from "pg";
import { from as copyFrom } from "pg-copy-streams";

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
      if (table.cursor) await client.query(`create index on "${name}" ("${table.cursor}")`);
    }
  });
  await client.query("vacuum analyze");
}

/** Lets the shop live until `to`: new customers, orders, lines and payments. Returns how many rows each table gained. */
export async function advanceShop(
  client: Client,
  world: World,
  to: Date,
  signal: AbortSignal,
): Promise<ReadonlyMap<TableName, number>> {
  const gained = new Map<TableName, number>();
  await inTransaction(client, async () => {
    const from = (await shopTime(client))!;
    for await (const { table, batch } of world.changes(from, to)) {
      signal.throwIfAborted();
      const ops = batch.changes!.ops;
      await copyInto(client, table, batch, (row) => ops[row] === 0);
      gained.set(table, (gained.get(table) ?? 0) + ops.reduce((sum, op) => sum + (op === 0 ? 1 : 0), 0));
    }
    await client.query("update clock.shop set at = $1", [to]);
  });
  return gained;
}
