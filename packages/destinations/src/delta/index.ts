/**
 * Delta Lake: `delta()` writes a lake of Delta tables, `deltaTable()` reads any Delta table.
 *
 * @module destinations/delta
 */
export { delta } from "./delta.ts";
export type { AutoOptimize, DeltaOptions } from "./options.ts";
export type { LogStore } from "./log-store.ts";
export type { CatalogColumn, CatalogTable, LakeCatalog } from "./catalog.ts";
export { createExternalTable, type ExternalTable } from "./external-table.ts";
export { deltaTable, type DeltaTable, type SnapshotOptions } from "./table.ts";
export type { DeltaSnapshot, ScanOptions, SnapshotFile, SnapshotMetadata } from "./read/snapshot.ts";
export {
  attachLake,
  type AttachedTable,
  type AttachOptions,
  type DuckDBConnectionLike,
  type DuckDBRowsLike,
} from "./attach.ts";
export type { ChangeBatch, ChangeKind, ChangesOptions } from "./changes/options.ts";
export type { OptimizeOptions, OptimizeResult } from "./maintain/optimize-options.ts";
export type { DeletedRemains, DeleteOptions, DeleteResult } from "./maintain/delete-options.ts";
export type { VacuumOptions, VacuumResult } from "./maintain/vacuum-options.ts";
export type { Finding, FindingKind, VerifyOptions, VerifyResult } from "./maintain/verify-options.ts";
export type { RestoreOptions, RestoreResult, Rewound } from "./maintain/restore-options.ts";
export type { CareOptions } from "./maintain/target.ts";
export type { HistoryEntry } from "./read/history.ts";
export type { Protocol } from "./log/actions.ts";
