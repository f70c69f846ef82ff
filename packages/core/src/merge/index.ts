/**
 * Folding the changes of a load by key, for destinations that merge.
 *
 * @module core/merge
 */
export { ChangeKind, changeRows, type ChangeRows, type MergeColumns } from "./change-rows.ts";
export {
  changelogBuilder,
  type Changelog,
  type ChangelogBuilder,
  type ChangelogOptions,
} from "./changelog.ts";
export { comparedFields } from "./compared-fields.ts";
export { combineRows, type CombinedRows } from "./combined-rows.ts";
export { foldHistory, NO_ROW, type FoldedHistory } from "./fold-history.ts";
export { foldRows, KeyAction, type FoldedRows } from "./fold-rows.ts";
export { keyHashes } from "./key-hashes.ts";
export { createKeyIndex, type KeyIndex } from "./key-index.ts";
export { sameValues, type SameValue } from "./same-rows.ts";
export { isTruncated, storedNeeds, type StoredNeeds, type StoredRows } from "./stored-rows.ts";
export { ACTIVE, keepChanged, versionTimes, type Versions } from "./versions.ts";
