/**
 * Delta Lake: `delta()` writes a lake of Delta tables, `deltaTable()` reads any Delta table.
 *
 * @module destinations/delta
 */
export { delta } from "./delta.ts";
export type { DeltaOptions } from "./options.ts";
export { deltaTable, type DeltaTable, type SnapshotOptions } from "./table.ts";
export type { DeltaSnapshot, ScanOptions, SnapshotFile, SnapshotMetadata } from "./read/snapshot.ts";
export type { HistoryEntry } from "./read/history.ts";
export type { Protocol } from "./log/actions.ts";
