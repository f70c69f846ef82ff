import { fileURLToPath } from "node:url";
import type { ObjectInfo } from "@alluvium/core";
import type { AddFile, DeletionVectorDescriptor } from "../log/actions.ts";
import { readActions } from "../log/codec.ts";
import { listCommits } from "../log/commit.ts";
import { decodePath, inTable, isAbsolute, logFolder } from "../log/paths.ts";
import { readFiles } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import { vectorPath } from "../read/deletion-vector.ts";
import { lakeOf, pendingFiles } from "./lake.ts";
import { createPathSet, inPass, type Pass } from "./path-set.ts";
import { kindOf, type FileKind } from "./table-files.ts";
import type { CareContext } from "./target.ts";

/** What is asked of a table's files. */
export interface ReferencedOptions {
  /** Files that went from the table at or after this time are still needed by older versions; milliseconds since 1970. */
  readonly since: number;
  /** Whether tombstones may have left the checkpoint before `since`: then the commits themselves are asked. */
  readonly readCommits: boolean;
}

/** Paths within the table of all files that versions since a time need, and of those that committed loads are about to add. */
async function* referencedPaths(
  context: CareContext,
  state: TableState,
  { since, readCommits }: ReferencedOptions,
): AsyncGenerator<string> {
  const { store, directory, signal } = context;
  const within = pathsWithin(context);
  for await (const { add, remove } of readFiles(store, directory, state.segment, signal)) {
    if (add !== undefined) yield* within(add);
    else if ((remove.deletionTimestamp ?? 0) >= since) yield* within(remove);
  }
  // The folder of a change data feed is referenced by commits only; so are files that went and whose tombstones were dropped.
  for await (const commit of listCommits(store, directory, -1, signal)) {
    if (commit.modified.getTime() < since && commit.version !== state.version) continue;
    for await (const { cdc, remove } of readActions(store, commit, signal)) {
      if (cdc) yield* within(cdc);
      if (remove && readCommits) yield* within(remove);
    }
  }
  const lake = await lakeOf(context);
  if (lake !== undefined)
    for await (const { file } of pendingFiles(lake, context)) {
      yield file.staged;
      yield file.final;
    }
}

type Named = Pick<AddFile, "path"> & { readonly deletionVector?: DeletionVectorDescriptor | null };

/** Turns what the log names into paths within the table; what stands elsewhere is not ours to touch. */
function pathsWithin({ store, directory }: CareContext): (file: Named) => Generator<string> {
  const root = store.url.startsWith("file:") ? fileURLToPath(store.url) : store.url;
  const prefix = `${inTable(root.replace(/\/$/, ""), directory).replace(/\/$/, "")}/`;
  const relative = (path: string): string | undefined => {
    if (!isAbsolute(path)) return path;
    return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  };
  return function* ({ path, deletionVector }) {
    const file = relative(decodePath(path));
    if (file !== undefined) yield file;
    if (deletionVector === null || deletionVector === undefined) return;
    const vector = vectorPath(deletionVector, `the deletion vector of ${path}`);
    const vectorFile = vector === undefined ? undefined : relative(vector);
    if (vectorFile !== undefined) yield vectorFile;
  };
}

/** A file that no version needs. */
export interface LooseFile {
  readonly info: ObjectInfo;
  /** Path within the table. */
  readonly path: string;
  readonly kind: Exclude<FileKind, "log" | "other">;
}

/**
 * The data, vector and staged files below a table that nothing needs, whatever their age, as they are listed. Memory holds a quarter of the budget for
 * the paths that are needed; where they do not fit, the log and the folder are gone through several times.
 */
export async function* looseFiles(
  context: CareContext,
  state: TableState,
  options: ReferencedOptions,
  pass: Pass = { number: 0, of: 1 },
): AsyncGenerator<LooseFile> {
  const { store, directory, budget, signal } = context;
  const needed = createPathSet(budget / 4);
  for await (const path of referencedPaths(context, state, options)) {
    if (!inPass(path, pass) || needed.add(path)) continue;
    yield* looseFiles(context, state, options, { number: pass.number, of: pass.of * 2 });
    yield* looseFiles(context, state, options, { number: pass.number + pass.of, of: pass.of * 2 });
    return;
  }
  const root = inTable(directory, "");
  const tables = nestedTables(context);
  for await (const info of store.list(root, { signal })) {
    const path = info.path.slice(root.length);
    const kind = kindOf(path, state.metadata.partitionColumns);
    if (kind === "log" || kind === "other" || !inPass(path, pass) || needed.has(path)) continue;
    if (await tables(path)) continue;
    yield { info, path, kind };
  }
}

/** Whether a path belongs to another table that stands in a folder of this one. */
function nestedTables({ store, directory, signal }: CareContext): (path: string) => Promise<boolean> {
  // The listing goes folder by folder, so that the folders of the last path are all that is asked for again.
  let known = new Map<string, boolean>();
  return async (path) => {
    const folders = path.split("/").slice(0, -1);
    const next = new Map<string, boolean>();
    let nested = false;
    for (let depth = 1; depth <= folders.length && !nested; depth++) {
      const folder = folders.slice(0, depth).join("/");
      let found = known.get(folder);
      if (found === undefined) {
        found = false;
        for await (const _ of store.list(logFolder(inTable(directory, folder)), { signal })) {
          found = true;
          break;
        }
      }
      next.set(folder, found);
      nested = found;
    }
    known = next;
    return nested;
  };
}
