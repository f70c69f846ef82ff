import { AlluviumError, type Schema } from "@alluvium/core";
import { takeBatch, type Batch, type Scalar } from "@alluvium/core/columns";
import type { PartitionValues } from "../contract.ts";
import { partitionColumns, type PartitionColumn } from "./partition.ts";
import { partitionReader, partitionText } from "./partition-text.ts";
import type { Partition } from "@alluvium/core";

/** Rows of one partition, without the partition's own columns. */
export interface PartitionedBatch {
  readonly partition: PartitionValues;
  /** Equal for equal partitions. */
  readonly key: string;
  readonly batch: Batch;
}

/** Splits the batches of one schema by partition. */
export interface Splitter {
  /** Columns of the files: without partition columns, which are in the files' paths and log only. */
  readonly schema: Schema;
  split(batch: Batch): readonly PartitionedBatch[];
}

/** A {@link Splitter} for batches with `schema`. Throws `ALV_CONFIG` as {@link partitionColumns} does. */
export function createSplitter(table: string, partitionBy: readonly Partition[], schema: Schema): Splitter {
  const columns = partitionColumns(table, partitionBy, schema);
  if (columns.length === 0)
    return { schema, split: (batch) => (batch.length === 0 ? [] : [{ partition: {}, key: "", batch }]) };
  const own = new Set(columns.filter(({ transform }) => transform === undefined).map(({ source }) => source));
  const kept: number[] = [];
  schema.fields.forEach(({ name }, i) => {
    if (!own.has(name)) kept.push(i);
  });
  if (kept.length === 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `table ${table} is partitioned by all of its columns (${[...own].join(", ")}): files need one that is left`,
      { resource: table },
    );
  const fileSchema: Schema = { fields: kept.map((i) => schema.fields[i]!) };
  const sources = columns.map(({ source }) => schema.fields.findIndex(({ name }) => name === source));
  const nullable = sources.map((source) => schema.fields[source]!.nullable);

  return {
    schema: fileSchema,
    split(batch) {
      if (batch.length === 0) return [];
      const { codes, groups } = group(batch, columns, sources);
      const rest: Batch = {
        schema: fileSchema,
        length: batch.length,
        columns: kept.map((i) => batch.columns[i]!),
        ...(batch.changes && { changes: batch.changes }),
      };
      const rows = groups.length === 1 ? undefined : rowsByGroup(codes, groups.length);
      return groups.map((values, index) => {
        const partition: Record<string, string | null> = {};
        columns.forEach(({ name, type }, i) => {
          const value = values[i]!;
          const text = value === null ? null : partitionText(type, value);
          if (text === null && !nullable[i]) throw refusedNull(table, name);
          partition[name] = text;
        });
        return {
          partition,
          key: JSON.stringify(Object.values(partition)),
          batch: rows === undefined ? rest : takeBatch(rest, rows[index]!),
        };
      });
    },
  };
}

function refusedNull(table: string, name: string): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `partition column ${name} of table ${table} takes no null, and an empty text is null there: partition by another column, or make it nullable`,
    { resource: table },
  );
}

/** Gives each row the number of its combination of values, and tells the combinations. */
function group(
  batch: Batch,
  columns: readonly PartitionColumn[],
  sources: readonly number[],
): { codes: Int32Array; groups: readonly (readonly (Scalar | null)[])[] } {
  const { length } = batch;
  let codes: Int32Array = new Int32Array(length);
  let groups: (readonly (Scalar | null)[])[] = [[]];
  columns.forEach((column, i) => {
    const read = partitionReader(column, batch.columns[sources[i]!]!);
    const next: (readonly (Scalar | null)[])[] = [];
    const known: Map<Scalar | null, number>[] = groups.map(() => new Map());
    const nextCodes = new Int32Array(length);
    for (let row = 0; row < length; row++) {
      const value = read(row);
      // Bytes have no identity as map keys, and -0 is a value of its own.
      const identity = keyOf(value);
      const members = known[codes[row]!]!;
      let code = members.get(identity);
      if (code === undefined) {
        code = next.length;
        members.set(identity, code);
        next.push([...groups[codes[row]!]!, value]);
      }
      nextCodes[row] = code;
    }
    codes = nextCodes;
    groups = next;
  });
  return { codes, groups };
}

function keyOf(value: Scalar | null): Scalar | null {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : value;
  return typeof value === "object" && value !== null ? Buffer.from(value).toString("latin1") : value;
}

function rowsByGroup(codes: Int32Array, groups: number): readonly Int32Array[] {
  const counts = new Int32Array(groups);
  for (const code of codes) counts[code]! += 1;
  const rows = Array.from(counts, (count) => new Int32Array(count));
  const filled = new Int32Array(groups);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    rows[code]![filled[code]!++] = row;
  }
  return rows;
}
