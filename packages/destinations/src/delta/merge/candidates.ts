import type { Fold } from "./changelog.ts";
import type { AddFile } from "../log/actions.ts";
import { fileKey } from "../log/paths.ts";
import { readFiles } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import { keyFilter, type KeyFilter } from "./key-filter.ts";
import { matchFile, type FileMatches } from "./matches.ts";
import { namedColumns, type MergeTable } from "./table.ts";

/**
 * What was found in files, by logical file: it stays true as long as the file is part of the table, so that a merge that is worked out again
 * looks into new files only.
 */
export type KnownMatches = Map<string, FileMatches>;

/** Which files may hold keys of a part of a load. */
export function filterOf({ changelog }: Fold, table: MergeTable): KeyFilter {
  const own = keyFilter(table.keys, changelog.keys.keys());
  const { mergeKeys } = changelog;
  if (mergeKeys === undefined) return own;
  const merged = keyFilter(namedColumns(table, table.merge.merge?.mergeKey ?? []), mergeKeys.keys());
  return {
    mayHold: (add) => own.mayHold(add) || merged.mayHold(add),
    sorted: undefined,
    wants: (group, firstRow) => own.wants(group, firstRow) || merged.wants(group, firstRow),
  };
}

/** The rows of the table that a part of a load names, file by file; files without any are left out. */
export async function findMatches(
  { changelog }: Fold,
  filter: KeyFilter,
  table: MergeTable,
  state: TableState,
  known: KnownMatches | undefined,
): Promise<readonly FileMatches[]> {
  const found: FileMatches[] = [];
  for await (const add of liveFiles(state, table)) {
    const key = fileKey(add);
    let matches = known?.get(key);
    if (matches === undefined) {
      if (!filter.mayHold(add)) continue;
      matches = await matchFile(add, table, changelog, filter);
      known?.set(key, matches);
    }
    if (matches.rows.length > 0) found.push(matches);
  }
  return found;
}

/** The files of the table. */
export async function* liveFiles(
  { segment }: Pick<TableState, "segment">,
  { store, directory, signal }: MergeTable,
): AsyncGenerator<AddFile> {
  for await (const { add } of readFiles(store, directory, segment, signal)) if (add !== undefined) yield add;
}
