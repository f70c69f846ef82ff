import type { ObjectStore, Schema } from "@alluvium/core";
import { AlluviumError } from "@alluvium/core";
import type { MergeColumns } from "@alluvium/core/merge";
import type { ApplyContext, MergeOperation, TableChange } from "../../lake/contract.ts";
import type { Head } from "../log/replay.ts";
import { columnsOf, mappingMode, type Column, type MappingMode } from "../read/columns.ts";
import type { FileReading } from "../read/file-rows.ts";
import { describeSchema } from "../write/partitions.ts";

/** The table that a merge folds into, with the columns that it has after the load. */
export interface MergeTable {
  readonly store: ObjectStore;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly mode: MappingMode;
  /** Its columns, without derived partition columns and those of unknown type: what rows of files are made of. */
  readonly columns: readonly Column[];
  /** Those of them that a load's rows have: not the ones of validity. */
  readonly loaded: readonly Column[];
  readonly keys: readonly Column[];
  readonly operation: MergeOperation;
  /** The same, as folds take it. */
  readonly merge: MergeColumns;
}

/** The table of a change as it is afterwards. Throws `ALV_SCHEMA_CONFLICT` where a column that the merge needs is gone. */
export function mergeTable(
  change: TableChange,
  operation: MergeOperation,
  head: Head,
  { store, signal }: ApplyContext,
): MergeTable {
  const named = new Set(
    describeSchema(head.schema, head.metadata.partitionColumns).schema.fields.map(({ name }) => name),
  );
  const columns = columnsOf(head).filter(({ name, type }) => named.has(name) && type.kind !== "null");
  const { validity, primaryKey, mergeKey, orderBy, deleteFlag, follows } = operation;
  const ofValidity = validity === undefined ? [] : [validity.from, validity.to, validity.active];
  const column = (name: string): Column => {
    const found = columns.find((each) => each.name === name);
    if (found !== undefined) return found;
    throw new AlluviumError(
      "ALV_SCHEMA_CONFLICT",
      `table "${change.table}" has no column "${name}" any more, by which the load is merged. Put it back, or settle the table with resync.`,
      { resource: change.table },
    );
  };
  for (const name of ofValidity) column(name);
  if (follows !== undefined) column(follows.rootId);
  const has = (name: string | undefined): name is string =>
    name !== undefined && columns.some((each) => each.name === name);
  const merge = {
    // A column of which nothing but nulls is known is in no file.
    ...(has(orderBy) && { orderBy }),
    ...(has(deleteFlag) && { deleteFlag }),
    ...(mergeKey !== undefined && { mergeKey: mergeKey.map((name) => column(name).name) }),
    ...(validity && {
      validity: { ...validity, ...(has(validity.column) && { boundary: { column: validity.column } }) },
    }),
  };
  return {
    store,
    directory: change.directory,
    signal,
    mode: mappingMode(head),
    columns,
    loaded: columns.filter(({ name }) => !ofValidity.includes(name)),
    keys: primaryKey.map(column),
    operation,
    merge: { primaryKey, merge },
  };
}

/** Columns by their names; each once. */
export function namedColumns({ columns }: MergeTable, names: readonly string[]): readonly Column[] {
  return [...new Set(names)].map((name) => columns.find((column) => column.name === name)!);
}

/** The schema of some columns as files have them: whether a column may hold nulls is the log's to say. */
export function fileSchema(columns: readonly Column[]): Schema {
  return { fields: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
}

/** How files of the table are read. */
export function readingOf(
  { store, directory, mode, signal }: MergeTable,
  columns: readonly Column[],
): FileReading {
  return { store, directory, mode, columns, schema: fileSchema(columns), signal };
}
