import {
  AlluviumError,
  type ColumnType,
  type ObjectStore,
  type Partition,
  type Schema,
} from "@alluvium/core";
import {
  castVector,
  createBuilder,
  nullVector,
  parseScalar,
  putScalar,
  type Batch,
  type Vector,
} from "@alluvium/core/columns";
import { openParquet } from "@alluvium/core/parquet";
import type { DataFile } from "../contract.ts";
import { objectSource } from "./object-source.ts";

/** How the data files of a table are read. */
export interface ReadFileOptions {
  readonly store: ObjectStore;
  /** Directory of the table, relative to the store's root. */
  readonly directory: string;
  readonly partitionBy: readonly Partition[];
  /** What the rows are read as: columns that a file lacks are null, narrower types are widened. */
  readonly schema: Schema;
}

/** Reads the rows of a data file that is still staged, partition columns included. */
export type ReadFile = (
  file: Pick<DataFile, "staged" | "size" | "partition">,
  options: ReadFileOptions,
  signal: AbortSignal | undefined,
) => AsyncIterable<Batch>;

/** A {@link ReadFile} of Parquet. */
export async function* readDataFile(
  file: Pick<DataFile, "staged" | "size" | "partition">,
  { store, directory, schema, partitionBy }: ReadFileOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch> {
  const path = `${directory}/${file.staged}`;
  const parquet = await openParquet(objectSource(store, path, file.size, signal), { name: path });
  const partitioned = new Set(
    partitionBy.filter(({ transform }) => transform === undefined).map(({ column }) => column),
  );
  const there = new Set(parquet.schema.fields.map(({ name }) => name));
  const wanted = schema.fields.filter(({ name }) => there.has(name)).map(({ name }) => name);
  // Without any column nobody would know how many rows there are.
  const columns = wanted.length > 0 ? { columns: wanted } : {};
  for await (const batch of parquet.read({ ...columns, ...(signal && { signal }) })) {
    const vectors = schema.fields.map(({ name, type }): Vector => {
      if (partitioned.has(name))
        return partitionVector(file.partition[name] ?? null, type, batch.length, path);
      const index = batch.schema.fields.findIndex((field) => field.name === name);
      return index < 0 ? nullVector(type, batch.length) : castVector(batch.columns[index]!, type);
    });
    yield { schema, length: batch.length, columns: vectors };
  }
}

/** A partition value as a column of equal values. */
export function partitionVector(text: string | null, type: ColumnType, length: number, path: string): Vector {
  if (text === null || type.kind === "null") return nullVector(type, length);
  const value = parseScalar(type, text);
  if (value === undefined)
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `${path} stands in the partition ${JSON.stringify(text)}, which is no ${type.kind}`,
    );
  const builder = createBuilder(type, 1);
  putScalar(builder, value);
  return {
    layout: "dictionary",
    type,
    length,
    nullCount: 0,
    validity: undefined,
    codes: new Int32Array(length),
    dictionary: builder.finish(),
  };
}
