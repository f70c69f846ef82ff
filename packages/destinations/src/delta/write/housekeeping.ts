import type { ObjectStore } from "@alluvium/core";
import { writeCheckpoint } from "../log/checkpoint-write.ts";
import { readChecksum, writeChecksum, type TableSize } from "../log/checksum.ts";
import { logFolder, versionText } from "../log/paths.ts";
import type { Head } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import type { CommitPlan } from "./plan.ts";

const CHECKPOINT_INTERVAL = 10;

/** A commit that was just made. */
export interface MadeCommit {
  readonly store: ObjectStore;
  readonly directory: string;
  readonly version: number;
  /** The time that it carries. */
  readonly now: number;
  readonly txnId: string;
  /** The transaction that it sets, if it belongs to a load. */
  readonly transaction?: { readonly appId: string; readonly sequence: number };
  readonly plan: Pick<CommitPlan, "next" | "added" | "removed">;
  /** What the plan was worked out from. */
  readonly state: TableState | undefined;
}

/**
 * What speeds up later readers: the version's checksum, and now and then a checkpoint. The commit stands whether this works or not,
 * so it never throws.
 */
export async function afterCommit(commit: MadeCommit): Promise<void> {
  const { store, directory, version, plan, state } = commit;
  try {
    await putChecksum(commit);
  } catch {
    // The next reader replays the log instead.
  }
  try {
    const asked = Number(plan.next.metadata.configuration["delta.checkpointInterval"]);
    const interval = Number.isInteger(asked) && asked > 0 ? asked : CHECKPOINT_INTERVAL;
    if (version - (state?.segment.checkpoint?.version ?? 0) >= interval)
      await writeCheckpoint(store, directory, version);
  } catch {
    // The next commit tries again.
  }
}

async function putChecksum(commit: MadeCommit): Promise<void> {
  const { store, directory, version, now, txnId, transaction, plan } = commit;
  const before = await stateBefore(commit);
  const size = before && sizeAfter(before.size, plan);
  if (before === undefined || size === undefined) return;
  const transactions = new Map(before.transactions);
  if (transaction !== undefined) {
    const { appId, sequence } = transaction;
    transactions.set(appId, { appId, version: sequence, lastUpdated: now });
  }
  const { protocol, metadata, schema } = plan.next;
  const head: Head = { protocol, metadata, schema, transactions, domains: before.domains };
  await writeChecksum(store, directory, version, { head, size, txnId });
}

interface Before extends Pick<Head, "transactions" | "domains"> {
  readonly size: TableSize | undefined;
}

/** What held one version before; where others committed in between, their checksum has to say it. */
async function stateBefore({ store, directory, version, state }: MadeCommit): Promise<Before | undefined> {
  if (state === undefined)
    return version === 0
      ? { transactions: new Map(), domains: new Map(), size: { files: 0, bytes: 0 } }
      : undefined;
  if (state.version === version - 1) return state;
  const path = `${logFolder(directory)}${versionText(version - 1)}.crc`;
  const info = await store.head(path);
  const checksum = info && (await readChecksum(store, { ...info, version: version - 1 }));
  return checksum && { ...checksum.head, size: checksum.size };
}

function sizeAfter(
  before: TableSize | undefined,
  { added, removed }: MadeCommit["plan"],
): TableSize | undefined {
  if (removed.whole) return added;
  return (
    before && {
      files: before.files + added.files - removed.files,
      bytes: before.bytes + added.bytes - removed.bytes,
    }
  );
}
