import type { Action, AddFile } from "../log/actions.ts";
import { fileKey } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { removeOf } from "../write/actions.ts";
import type { CommitPlan } from "../write/plan.ts";
import type { NextMetadata } from "../write/table-metadata.ts";

/** What one commit of table care does. */
export interface CareChange {
  /** As `commitInfo.operation` has it: `OPTIMIZE`, `DELETE`, `RESTORE`. */
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Counts for `commitInfo.operationMetrics`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Whether the table holds other rows afterwards. */
  readonly dataChange: boolean;
  /** Logical files that go, as they stand. */
  readonly removed: readonly AddFile[];
  readonly added: readonly AddFile[];
  /** Whether a file that another writer adds in the meantime should have been looked at. @default never */
  readonly reads?: (add: AddFile) => boolean;
  /** Protocol and metadata afterwards, where they change. */
  readonly next?: NextMetadata;
  /** Paths within the store that exist for this commit only. */
  readonly written: readonly string[];
}

/** A change as a commit that can be put. */
export function planOf(change: CareChange, state: TableState, txnId: string): CommitPlan {
  const { removed, added, dataChange, metrics, written } = change;
  const { protocol, metadata, schema, version } = state;
  const next: NextMetadata = change.next ?? {
    protocol,
    metadata,
    schema,
    protocolChanged: false,
    metadataChanged: false,
  };
  function* actions(now: number): Generator<Action> {
    yield {
      commitInfo: {
        timestamp: now,
        operation: change.operation,
        operationParameters: change.parameters,
        readVersion: version,
        isolationLevel: dataChange ? "Serializable" : "SnapshotIsolation",
        isBlindAppend: false,
        operationMetrics: Object.fromEntries(
          Object.entries(metrics).map(([name, count]) => [name, String(count)]),
        ),
        engineInfo: "Alluvium",
        txnId,
      },
    };
    if (next.protocolChanged) yield { protocol: next.protocol };
    if (next.metadataChanged) yield { metaData: next.metadata };
    for (const add of removed) yield { remove: { ...removeOf(add, now), dataChange } };
    for (const add of added) yield { add: { ...add, dataChange } };
  }
  return {
    next,
    footprint: {
      appIds: new Set(),
      files: new Set(removed.map(fileKey)),
      reads: change.reads ?? (() => false),
    },
    added: { files: added.length, bytes: bytesOf(added) },
    removed: { files: removed.length, bytes: bytesOf(removed), whole: false },
    actions,
    written,
  };
}

/** Bytes of files together. */
export function bytesOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
