import type { RowCounts } from "@alluvium/core";
import type { DataFile, LoadIdentity, TableChange, TableOperation } from "../../lake/contract.ts";
import { partitionName } from "../../lake/files/partition.ts";
import type { AddFile, CommitInfo, RemoveFile } from "../log/actions.ts";
import { encodePath } from "../log/paths.ts";
import type { DeltaStruct } from "../types.ts";
import { statisticsText } from "./statistics.ts";

/** The `add` of a data file that this load wrote. */
export function addOf(
  file: Omit<DataFile, "staged">,
  schema: DeltaStruct,
  partitionColumns: readonly string[],
  configuration: Readonly<Record<string, string>>,
  now: number,
): AddFile {
  const { final, partition, size } = file;
  return {
    path: encodePath(final),
    // Empty text would be read as null anyway; null says so.
    partitionValues: Object.fromEntries(partitionColumns.map((name) => [name, partition[name] || null])),
    size,
    modificationTime: now,
    dataChange: true,
    stats: statisticsText(file, schema, partitionColumns, configuration),
  };
}

/** The `remove` of a file of the table, its deletion vector included. */
export function removeOf(add: AddFile, now: number): RemoveFile {
  const { path, partitionValues, size, deletionVector, baseRowId, defaultRowCommitVersion } = add;
  return {
    path,
    deletionTimestamp: now,
    dataChange: true,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...(deletionVector && { deletionVector }),
    ...(baseRowId !== undefined && baseRowId !== null && { baseRowId }),
    ...(defaultRowCommitVersion !== undefined &&
      defaultRowCommitVersion !== null && { defaultRowCommitVersion }),
  };
}

/** What {@link commitInfoOf} tells of a commit. */
export interface CommitFacts {
  readonly change: TableChange;
  readonly load: LoadIdentity;
  readonly txnId: string;
  readonly now: number;
  /** The version that the commit was computed from; `undefined` when it creates the table. */
  readonly readVersion: number | undefined;
  readonly blind: boolean;
  readonly added: readonly AddFile[];
  readonly removed: readonly RemoveFile[];
  /** Rows that were written again because their file also held rows that went. */
  readonly copiedRows: number;
  /** What a merge did. */
  readonly merged?: MergeMetrics;
}

/** What a merge did, beside the files that came and went. */
export interface MergeMetrics extends RowCounts {
  /** Rows that it wrote. */
  readonly written: number;
  /** Files that got a deletion vector. */
  readonly marked: number;
}

/** Provenance of a commit. Other engines' conflict checks read `isBlindAppend`; people find the load in `userMetadata`. */
export function commitInfoOf(facts: CommitFacts): CommitInfo {
  const { change, load, now, readVersion, blind, txnId, added, removed, copiedRows, merged } = facts;
  const rows = change.files.reduce((sum, file) => sum + file.rows, 0);
  const bytes = added.reduce((sum, file) => sum + file.size, 0);
  return {
    timestamp: now,
    operation: merged === undefined ? "WRITE" : "MERGE",
    operationParameters: operationParameters(change),
    ...(readVersion !== undefined && { readVersion }),
    isolationLevel: "Serializable",
    isBlindAppend: blind,
    operationMetrics:
      merged === undefined
        ? {
            numFiles: String(added.length),
            numOutputRows: String(rows + copiedRows),
            numOutputBytes: String(bytes),
            ...(removed.length > 0 && {
              numRemovedFiles: String(removed.length),
              numRemovedBytes: String(removed.reduce((sum, file) => sum + (file.size ?? 0), 0)),
            }),
            ...(copiedRows > 0 && { numCopiedRows: String(copiedRows) }),
          }
        : {
            numSourceRows: String(rows),
            numTargetRowsInserted: String(merged.inserted),
            numTargetRowsUpdated: String(merged.updated),
            numTargetRowsDeleted: String(merged.deleted),
            numTargetRowsCopied: String(copiedRows),
            numOutputRows: String(merged.written + copiedRows),
            numTargetFilesAdded: String(added.length - merged.marked),
            numTargetFilesRemoved: String(removed.length - merged.marked),
            numTargetDeletionVectorsAdded: String(merged.marked),
          },
    userMetadata: JSON.stringify({
      loadId: load.loadId,
      runId: load.runId,
      pipeline: load.pipeline,
      lane: load.lane,
      sequence: load.sequence,
    }),
    engineInfo: "Alluvium",
    txnId,
  };
}

/** What a merge did to rows, as its commit says. */
export function countsOf({ operationMetrics = {} }: CommitInfo): RowCounts | undefined {
  const [inserted, updated, deleted] = ["Inserted", "Updated", "Deleted"].map((what) =>
    Number(operationMetrics[`numTargetRows${what}`] ?? Number.NaN),
  ) as [number, number, number];
  return [inserted, updated, deleted].every(Number.isSafeInteger)
    ? { inserted, updated, deleted }
    : undefined;
}

function operationParameters({ operation, partitionBy }: TableChange): Record<string, string> {
  if (operation.kind === "merge")
    return {
      strategy: operation.strategy,
      predicate: JSON.stringify([
        (operation.mergeKey ?? operation.primaryKey).map((name) => `t.${name} <=> s.${name}`).join(" AND "),
      ]),
    };
  return {
    mode: operation.kind === "append" ? "Append" : "Overwrite",
    partitionBy: JSON.stringify(partitionBy.map(partitionName)),
    ...(operation.kind === "replaceWhere" && { predicate: JSON.stringify([predicateText(operation)]) }),
  };
}

/** The window of a `replaceWhere` as SQL, for people. */
function predicateText({ where }: TableOperation & { readonly kind: "replaceWhere" }): string {
  const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  return where
    .map(({ column, op, value }) => {
      if (value === null) return op === "=" ? `${column} IS NULL` : "FALSE";
      if (typeof value !== "string") return `${column} IN (${value.map(quoted).join(", ")})`;
      return op === "in" ? `${column} IN (${quoted(value)})` : `${column} ${op} ${quoted(value)}`;
    })
    .join(" AND ");
}
