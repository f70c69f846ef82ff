import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { inject } from "vitest";
import type { Cell } from "./expected.ts";

/** Another implementation: delta-rs through its SQL, the dataset that it makes for pyarrow, Spark, DuckDB's delta extension. */
export type Engine = "deltars" | "pyarrow" | "spark" | "duckdb";
/** All of them. */
export const engines: readonly Engine[] = ["deltars", "pyarrow", "spark", "duckdb"];

/** Where a table is. */
export interface Place {
  readonly path: string;
  readonly format: "delta" | "parquet";
  readonly version?: number;
}

/** One comparison of a column with a value: `type` in the spelling of `cells.py`, `value` as SQL text without quotes. */
export interface Comparison {
  readonly column: string;
  readonly op: "=" | "<" | "<=" | ">" | ">=";
  readonly type: string;
  readonly value: string;
}

/** A table as an engine gives it: columns with their types, rows in the order they came. */
export interface ReadTable {
  readonly schema: readonly (readonly [name: string, type: string])[];
  readonly names: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

async function ask<Answer extends object>(request: object): Promise<Answer> {
  const socket = connect(inject("readers"));
  socket.write(`${JSON.stringify(request)}\n`);
  const answer = JSON.parse(await text(socket)) as Answer | { readonly error: string };
  if ("error" in answer) throw new Error(answer.error);
  return answer;
}

/** Reads a whole table. */
export function readWith(engine: Engine, place: Place): Promise<ReadTable> {
  return ask({ op: "read", engine, place });
}

/** Reads a whole table and gives a hash of each column in the order of `key`. */
export function digestWith(
  engine: Engine,
  place: Place,
  key: string,
): Promise<{ readonly rows: number; readonly columns: Readonly<Record<string, string>> }> {
  return ask({ op: "digest", engine, place, key });
}

/** The rows for which each comparison holds, by itself. */
export async function filterWith(
  engine: Engine,
  place: Place,
  conditions: readonly Comparison[],
  columns: readonly string[],
): Promise<readonly ({ readonly rows: readonly (readonly Cell[])[] } | { readonly error: string })[]> {
  const { results } = await ask<{ results: [] }>({ op: "filter", engine, place, conditions, columns });
  return results;
}

/** `select columns from the table`, followed by `sql`. */
export async function queryWith(
  engine: Engine,
  place: Place,
  columns: string,
  sql = "",
): Promise<readonly (readonly Cell[])[]> {
  return (await ask<ReadTable>({ op: "query", engine, place, columns, sql })).rows;
}

/** Runs statements in Spark and gives the rows of the last one. */
export async function spark(...statements: readonly string[]): Promise<readonly (readonly Cell[])[]> {
  return (await ask<ReadTable>({ op: "spark", statements })).rows;
}

/** A commit by delta-rs: rows that DuckDB selects, rows to delete, or upkeep. */
export type DeltarsStep =
  | {
      readonly write: string;
      readonly mode?: "append" | "overwrite";
      readonly partition_by?: readonly string[];
      readonly schema_mode?: "merge" | "overwrite";
      readonly configuration?: Readonly<Record<string, string>>;
    }
  | { readonly delete: string }
  | { readonly checkpoint: true }
  | { readonly compact: true };

/** Makes commits with delta-rs. */
export async function deltars(path: string, ...steps: readonly DeltarsStep[]): Promise<void> {
  await ask({ op: "deltars", path, steps });
}

/** Writes Parquet files with pyarrow, one table in every layout that it has, and gives their names. */
export async function writeParquetFiles(folder: string): Promise<readonly string[]> {
  return (await ask<{ readonly files: readonly string[] }>({ op: "parquet", folder })).files;
}
