import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  pipeline,
  type Ability,
  type Disposition,
  type Field,
  type MergeOptions,
  type Partition,
  type Source,
  type Stream,
} from "@alluvium/core";
import { rowsOf, vectorOf } from "@alluvium/core/columns";
import { delta, deltaTable, type DeltaOptions } from "@alluvium/destinations/delta";
import { parquet } from "@alluvium/destinations/parquet";
import { onTestFinished } from "vitest";
import type { Place, ReadTable } from "./client.ts";
import { cellOf, fieldText, type Row } from "./expected.ts";

/** A table for a hand-made source. */
export interface Rows {
  readonly fields: readonly Field[];
  readonly rows: readonly Row[];
  readonly partitionBy?: readonly Partition[];
  readonly disposition?: Disposition;
  readonly primaryKey?: readonly string[];
  readonly merge?: MergeOptions;
  /** What happens when the rows are read, and not yet committed. */
  readonly during?: () => Promise<void>;
  /** Rows in a batch. @default all of them */
  readonly batchRows?: number;
}

type HandMade = Readonly<Record<string, { readonly row: object; readonly ability: Ability }>>;

/** A source as a connector makes one: batches of declared types, names kept as they are. */
function handMade<Tables extends HandMade = HandMade>(
  tables: Readonly<Record<string, Rows>>,
): Source<Tables> {
  const streams = Object.entries(tables).map(([name, table]) => streamOf(name, table));
  return {
    specVersion: 1,
    name: "hand",
    open: async () => ({ streams, async [Symbol.asyncDispose]() {} }),
  };
}

function streamOf(
  name: string,
  {
    fields,
    rows,
    partitionBy = [],
    disposition = { kind: "append" },
    primaryKey = [],
    merge,
    during,
    batchRows = rows.length,
  }: Rows,
): Stream {
  const schema = { fields };
  return {
    name,
    tables: [{ name, schema, primaryKey, disposition, merge, partitionBy, naming: "keep" }],
    cursor: { version: 1, encode: () => null, decode: () => undefined },
    async *read() {
      for (let start = 0; start < rows.length; start += batchRows) {
        const part = rows.slice(start, start + batchRows);
        const columns = fields.map((field) =>
          vectorOf(
            field.type,
            part.map((row) => row[field.name] ?? null),
          ),
        );
        yield { table: name, batch: { schema, length: part.length, columns } };
      }
      await during?.();
    },
  };
}

/** A folder that goes when the test has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-lake-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** How {@link loadDelta} and {@link loadParquet} run. */
export interface LoadOptions extends Pick<DeltaOptions, "compression" | "targetFileBytes" | "mergeMode"> {
  readonly pipeline?: string;
  readonly adopt?: true;
  readonly shared?: true;
  readonly budget?: number;
  /** @default false */
  readonly loadIdColumn?: boolean;
}

/** One run of a pipeline that loads these tables into Delta tables below `lake`. */
export async function loadDelta(
  lake: string,
  tables: Readonly<Record<string, Rows>>,
  { pipeline: name = "interop", compression, targetFileBytes, mergeMode, ...rest }: LoadOptions = {},
): Promise<void> {
  const destination = delta({
    url: lake,
    ...(mergeMode && { mergeMode }),
    ...(compression && { compression }),
    ...(targetFileBytes !== undefined && { targetFileBytes }),
  });
  await pipeline({ name, source: handMade(tables), destination, loadIdColumn: false, ...rest }).run();
}

/** One run of a pipeline that loads these tables into folders below `lake`. */
export async function loadParquet(
  lake: string,
  tables: Readonly<Record<string, Rows>>,
  { pipeline: name = "interop", compression, targetFileBytes, ...rest }: Omit<LoadOptions, "mergeMode"> = {},
): Promise<void> {
  const source =
    handMade<Readonly<Record<string, { readonly row: object; readonly ability: "append" | "replace" }>>>(
      tables,
    );
  const destination = parquet({
    url: lake,
    ...(compression && { compression }),
    ...(targetFileBytes !== undefined && { targetFileBytes }),
  });
  await pipeline({ name, source, destination, loadIdColumn: false, ...rest }).run();
}

/** A Delta table as our own reader gives it. */
export async function readOurselves({ path, version }: Place): Promise<ReadTable> {
  const snapshot = await deltaTable(path).snapshot(version === undefined ? {} : { version });
  const { fields } = snapshot.schema;
  const rows: ReadTable["rows"][number][] = [];
  for await (const batch of snapshot.scan())
    for (const row of rowsOf(batch, { timestamps: "micros" }))
      rows.push(fields.map(({ name, type }) => cellOf(type, row[name])));
  return {
    schema: fields.map((field) => [field.name, fieldText(field)]),
    names: fields.map(({ name }) => name),
    rows,
  };
}
