import type { Field } from "@alluvium/core";
import { expect } from "vitest";
import { engines, readWith, type Engine, type Place, type ReadTable } from "./client.ts";
import { cellOf, fieldText, inDelta, type Cell, type Row } from "./expected.ts";
import { readOurselves } from "./lake.ts";

/** All readers of Delta tables, ours included. */
const readers = [...engines, "alluvium"] as const;
/** One of {@link readers}. */
export type Reader = Engine | "alluvium";

/** What a table holds, as the test wrote it down. */
export interface Content {
  readonly fields: readonly Field[];
  readonly rows: readonly Row[];
  /** A column of distinct values, by which rows are told apart. @default "id" */
  readonly key?: string;
}

/** Reads a table with any reader. */
function readTable(reader: Reader, place: Place): Promise<ReadTable> {
  return reader === "alluvium" ? readOurselves(place) : readWith(reader, place);
}

/** Rows as objects, in the order of the key. */
function sorted(rows: readonly Readonly<Record<string, Cell>>[], key: string): object[] {
  const keyOf = (row: Readonly<Record<string, Cell>>): string => JSON.stringify(row[key]);
  return [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

/** Rows of a reader as objects. */
function objects({ names, rows }: Pick<ReadTable, "names" | "rows">): Record<string, Cell>[] {
  return rows.map((row) => Object.fromEntries(row.map((cell, i) => [names[i]!, cell])));
}

/** Expects a reader's answer to have exactly these rows. */
export function expectRows(read: ReadTable, { fields, rows, key = "id" }: Content): void {
  const wanted = rows.map((row) =>
    Object.fromEntries(fields.map(({ name, type }) => [name, cellOf(type, row[name])])),
  );
  expect(sorted(objects(read), key)).toEqual(sorted(wanted, key));
}

/** Expects a reader of a Delta table to see these columns. */
export function expectSchema(reader: Reader, read: ReadTable, fields: readonly Field[]): void {
  const nullable = (text: string): string => text.replaceAll(" not null", "");
  // DuckDB has no constraints on what it scans.
  const seen = (text: string): string => (reader === "duckdb" ? nullable(text) : text);
  const wanted = fields.map((field) => [field.name, seen(fieldText(inDelta(field)))]);
  expect(read.schema).toEqual(wanted);
}

/** Expects all readers, or those named, to see a Delta table as the test wrote it down. */
export async function expectEverywhere(
  place: Place,
  content: Content,
  among: readonly Reader[] = readers,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    among.map(async (reader) => {
      const read = await readTable(reader, place);
      expectSchema(reader, read, content.fields);
      expectRows(read, content);
    }),
  );
  const failures = outcomes.flatMap((outcome, i) =>
    outcome.status === "rejected" ? [[among[i]!, outcome.reason as Error] as const] : [],
  );
  if (failures.length === 0) return;
  const [[, first]] = failures as [(typeof failures)[number]];
  first.message = failures.map(([reader, { message }]) => `${reader}: ${message.slice(0, 600)}`).join("\n");
  throw first;
}
