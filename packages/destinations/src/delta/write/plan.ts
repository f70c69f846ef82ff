import { AlluviumError } from "@alluvium/core";
import type { ApplyContext, TableChange, TextCondition } from "../../lake/contract.ts";
import { partitionName } from "../../lake/files/partition.ts";
import type { Action, AddFile } from "../log/actions.ts";
import { blindFootprint, type Footprint } from "../log/conflict.ts";
import { fileKey } from "../log/paths.ts";
import { checkMayRemove } from "../log/protocol.ts";
import { readFiles } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import { columnsOf } from "../read/columns.ts";
import { textPredicates, type Predicate } from "../read/predicate.ts";
import { coverage } from "../read/pruning.ts";
import { addOf } from "./actions.ts";
import { actionsOf } from "./commit-actions.ts";
import { applicationId } from "./ownership.ts";
import { keepOthers, type KeptRows } from "./rewrite.ts";
import { nextMetadata, type NextMetadata } from "./table-metadata.ts";

/** A commit that is worked out for one version of a table and can be put. */
export interface CommitPlan {
  readonly next: NextMetadata;
  readonly footprint: Footprint;
  /** Files and bytes that it adds to the table and takes from it; with `whole` nothing older remains. */
  readonly added: { readonly files: number; readonly bytes: number };
  readonly removed: { readonly files: number; readonly bytes: number; readonly whole: boolean };
  /** The actions, with the time of the attempt. */
  readonly actions: (now: number) => Iterable<Action>;
  /** Data files that exist for this plan only (paths within the store), to be deleted if it is dropped. */
  readonly written: readonly string[];
}

/** Works out what `change` means for the table as it stands. */
export async function planCommit(
  change: TableChange,
  state: TableState | undefined,
  txnId: string,
  context: ApplyContext,
): Promise<CommitPlan> {
  const { load } = context;
  const next = nextMetadata(change, load, state, Date.now());
  const appId = applicationId(load, change.table);
  const partitionColumns = change.partitionBy.map(partitionName);
  const replaces = state !== undefined && change.operation.kind !== "append";
  if (replaces) checkMayRemove(state.metadata, `table "${change.table}"`);
  const { removed, kept, footprint } = replaces
    ? await replaced(change, { ...state, schema: next.schema }, appId, context)
    : { removed: [], kept: noRows, footprint: blindFootprint(appId) };
  const files = [...change.files, ...kept.files];
  const blind = change.operation.kind === "append";
  const { configuration } = next.metadata;
  const actions = actionsOf(
    { change, load, txnId, readVersion: state?.version, blind, copiedRows: kept.rows },
    next,
    removed,
    (now) => files.map((file) => addOf(file, next.schema, partitionColumns, configuration, now)),
  );
  return {
    next,
    footprint,
    added: { files: files.length, bytes: sumOf(files) },
    removed: { files: removed.length, bytes: sumOf(removed), whole: change.operation.kind === "replace" },
    actions,
    written: kept.paths,
  };
}

const noRows: KeptRows = { files: [], rows: 0, paths: [] };

function sumOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

interface Replaced {
  readonly removed: readonly AddFile[];
  readonly kept: KeptRows;
  readonly footprint: Footprint;
}

/** A window is checked before the load is committed; if it no longer fits, the table was changed since. */
function predicatesFor(
  { table }: TableChange,
  where: readonly TextCondition[],
  state: TableState,
): readonly Predicate[] {
  try {
    return textPredicates(where, columnsOf(state));
  } catch (cause) {
    if (!AlluviumError.is(cause)) throw cause;
    throw new AlluviumError("ALV_SCHEMA_CONFLICT", `table "${table}": ${cause.message}`, {
      resource: table,
      cause,
    });
  }
}

/** The files that go, and what stays of those that hold other rows as well. */
async function replaced(
  change: TableChange,
  state: TableState,
  appId: string,
  context: ApplyContext,
): Promise<Replaced> {
  const { operation, directory } = change;
  const { store, signal } = context;
  const predicates = operation.kind === "replaceWhere" ? predicatesFor(change, operation.where, state) : [];
  const whole: AddFile[] = [];
  const straddling: AddFile[] = [];
  for await (const { add } of readFiles(store, directory, state.segment, signal)) {
    if (add === undefined) continue;
    // Without predicates every file is covered.
    const covered = coverage(add, predicates);
    if (covered === "all") whole.push(add);
    else if (covered === "some") straddling.push(add);
  }
  const read = new Set([...whole, ...straddling].map(fileKey));
  const { emptied, kept } =
    straddling.length === 0
      ? { emptied: [], kept: noRows }
      : await keepOthers(change, state, straddling, predicates, context);
  return {
    removed: [...whole, ...emptied],
    kept,
    footprint: {
      appIds: new Set([appId]),
      files: read,
      reads: (add) => coverage(add, predicates) !== "none",
    },
  };
}
