import type { RowCounts } from "@alluvium/core";
import type { ApplyContext, DataFile, MergeOperation, TableChange } from "../../lake/contract.ts";
import { partitionName } from "../../lake/files/partition.ts";
import type { FileOptions } from "../../lake/files/table-writer.ts";
import type { AddFile } from "../log/actions.ts";
import { fileKey, inTable } from "../log/paths.ts";
import { checkMayRemove, withDeletionVectors } from "../log/protocol.ts";
import type { TableState } from "../log/state.ts";
import { bytesOf } from "../maintain/change.ts";
import { wideBounds } from "../maintain/wide-bounds.ts";
import { addOf } from "../write/actions.ts";
import { actionsOf } from "../write/commit-actions.ts";
import { createVectorFile } from "../write/deletion-vector.ts";
import { applicationId } from "../write/ownership.ts";
import type { CommitPlan } from "../write/plan.ts";
import { nextMetadata, type NextMetadata } from "../write/table-metadata.ts";
import { liveFiles } from "./candidates.ts";
import { finishEdits, type EditedFiles } from "./edits.ts";
import { mergeInputs } from "./inputs.ts";
import { mergeMemo, type MergeMemo } from "./memo.ts";
import { openOutput } from "./output.ts";
import { settleInputs, type SettledFile, type SettledInputs } from "./settle-inputs.ts";
import { mergeTable, type MergeTable } from "./table.ts";
import { mergeRows, type MergeWork } from "./work.ts";

/** How merges are carried out. */
export interface MergeFormat {
  /** `vectors`: rows that go are marked in deletion vectors; `rewrite`: their files are written again without them. */
  readonly mode: "vectors" | "rewrite";
  /** How new files are made. */
  readonly files: FileOptions;
}

/** A {@link CommitPlan} of a merge. */
export interface MergePlan extends CommitPlan {
  readonly changed: RowCounts;
  /** `scd2`: the greatest time that was written to validity columns. */
  readonly boundary: bigint | undefined;
  /** Data files of the load that do not become part of the table (paths within the store), to be deleted after the commit. */
  readonly dropped: readonly string[];
}

/** What a merge needs to know beside the change. */
export interface MergeSituation {
  readonly change: TableChange;
  readonly operation: MergeOperation;
  /** The table as it stands; `undefined`: there is none yet. */
  readonly state: TableState | undefined;
  readonly txnId: string;
  readonly context: ApplyContext;
}

/** Works out what a merge means for the table as it stands: which rows go, and which files come. */
export async function planMerge(
  situation: MergeSituation,
  { mode, files: fileOptions }: MergeFormat,
  memo: MergeMemo,
): Promise<MergePlan> {
  const { change, operation, state, context } = situation;
  const { store, signal, budget } = context;
  const next = nextMetadata(change, context.load, state, Date.now());
  if (state !== undefined) checkMayRemove(state.metadata, `table "${change.table}"`);
  const table = mergeTable(
    change,
    operation,
    { ...next, transactions: new Map(), domains: new Map() },
    context,
  );
  if (memo.schemaString !== next.metadata.schemaString)
    Object.assign(memo, mergeMemo(next.metadata.schemaString));
  const restarts = operation.restart === true || change.newColumns === true;
  const vectors = mode === "vectors" ? createVectorFile(store, change.directory) : undefined;
  const inputs = mergeInputs(change.files);
  await using output = openOutput(change, table, context, fileOptions);
  const known = restarts ? undefined : state;
  const work = await mergeRows({ table, inputs, state: known, output, memo, budget });
  const settled = await settleInputs(inputs, work.picked, table, vectors, output);
  const whole = restarts || work.whole;
  const edited = whole
    ? { removed: state === undefined ? [] : await allFiles(state, table), added: [], copied: 0 }
    : await finishEdits(work.edits.files(), table, vectors, output);
  const made = await output.close();
  const written = made.map(({ staged }) => inTable(change.directory, staged));
  const marks = vectors !== undefined && vectors.count > 0;
  try {
    if (marks) {
      written.push(vectors.path);
      await vectors.write({ signal });
    }
    return {
      ...planOf(situation, marks ? withVectors(next) : next, { work, settled, edited, made, whole }),
      written,
      changed: work.counts,
      boundary: work.latest,
      dropped: settled.dropped.map(({ staged }) => inTable(change.directory, staged)),
    };
  } catch (error) {
    await store.delete(written).catch(() => undefined);
    throw error;
  }
}

interface Outcome {
  readonly work: MergeWork;
  readonly settled: SettledInputs;
  readonly edited: EditedFiles;
  /** Files that the merge wrote. */
  readonly made: readonly DataFile[];
  readonly whole: boolean;
}

function planOf(
  { change, state, txnId, context: { load } }: MergeSituation,
  next: NextMetadata,
  { work, settled, edited, made, whole }: Outcome,
): Pick<CommitPlan, "next" | "footprint" | "added" | "removed" | "actions"> {
  const partitionColumns = change.partitionBy.map(partitionName);
  const { configuration } = next.metadata;
  const addAt = (file: DataFile, now: number): AddFile =>
    addOf(file, next.schema, partitionColumns, configuration, now);
  const settledAt = ({ file, deletionVector }: SettledFile, now: number): AddFile => {
    const add = addAt(file, now);
    if (deletionVector === undefined) return add;
    return { ...add, deletionVector, stats: wideBounds(add.stats, file.rows) };
  };
  const marked =
    edited.added.length + settled.files.filter(({ deletionVector }) => deletionVector !== undefined).length;
  const rows = made.reduce((sum, file) => sum + file.rows, 0) - edited.copied;
  const kept = settled.files.reduce((sum, { file }) => sum + file.rows, 0);
  const added = [...edited.added, ...settled.files.map(({ file }) => file), ...made];
  return {
    next,
    footprint: {
      appIds: new Set([applicationId(load, change.table)]),
      files: new Set(edited.removed.map(fileKey)),
      reads: whole ? () => true : work.reads,
    },
    added: { files: added.length, bytes: bytesOf(added) },
    removed: { files: edited.removed.length, bytes: bytesOf(edited.removed), whole },
    actions: actionsOf(
      {
        change,
        load,
        txnId,
        readVersion: state?.version,
        blind: false,
        copiedRows: edited.copied,
        merged: { ...work.counts, written: rows + kept, marked },
      },
      next,
      edited.removed,
      (now) => [
        ...edited.added,
        ...settled.files.map((file) => settledAt(file, now)),
        ...made.map((file) => addAt(file, now)),
      ],
    ),
  };
}

/** What the table is once rows of it are marked as deleted. */
function withVectors(next: NextMetadata): NextMetadata {
  const { protocol, configuration } = withDeletionVectors(next.protocol, next.metadata.configuration);
  return {
    ...next,
    protocol,
    protocolChanged: next.protocolChanged || protocol !== next.protocol,
    metadata:
      configuration === next.metadata.configuration ? next.metadata : { ...next.metadata, configuration },
    metadataChanged: next.metadataChanged || configuration !== next.metadata.configuration,
  };
}

async function allFiles(state: TableState, table: MergeTable): Promise<readonly AddFile[]> {
  const files: AddFile[] = [];
  for await (const add of liveFiles(state, table)) files.push(add);
  return files;
}
