import pLimit from "p-limit";
import type { Applied, ApplyContext, LakeFormat, Prepared, TableChange } from "../lake/contract.ts";
import type { FolderKind } from "./kind.ts";
import { listFolder } from "./list.ts";
import { placeFiles } from "./place.ts";
import { revealFiles } from "./reveal.ts";
import { scanFolder } from "./scan.ts";
import { emptyFile, takeWindow } from "./window.ts";

const CONCURRENT = 8;

/**
 * Tables that are folders of files without a log: a file is part of its table as soon as it has its name. Files of a load are
 * written under a hidden name; *apply* gives them their own and then deletes those that they replace, both fixed before the commit point.
 */
export function folderFormat(kind: FolderKind): LakeFormat {
  return {
    name: kind.name,
    capabilities: kind.capabilities,
    inspect: kind.inspect,
    scan: (directory, context) => scanFolder(kind, directory, context),
    place: placeFiles(kind.endings[0]),
    prepare: (change, context) => prepare(change, context, kind),
    async apply(change, context) {
      await kind.describe?.(change, context);
      return apply(change, context);
    },
  };
}

async function prepare(change: TableChange, context: ApplyContext, kind: FolderKind): Promise<Prepared> {
  const { operation, directory } = change;
  if (operation.kind === "replaceWhere") return takeWindow(change, operation.where, context, kind);
  const obsolete: string[] = [];
  if (operation.kind === "replace")
    for await (const { path } of listFolder(directory, kind.endings, context)) obsolete.push(path);
  // Readers that look at files alone learn only from one that there is a table, and which columns it has.
  const lone = change.files.length === 0 && (change.create || operation.kind === "replace");
  return { obsolete, files: lone ? await emptyFile(change, context, kind) : [] };
}

async function apply(change: TableChange, context: ApplyContext): Promise<Applied> {
  const { store, signal } = context;
  const { directory, files, obsolete } = change;
  const revealed = await revealFiles(directory, files, context);
  const limit = pLimit(CONCURRENT);
  // Only now that every new row can be seen, also after a loss of power.
  const gone = obsolete.map((path) => `${directory}/${path}`);
  const left = await Promise.all(gone.map((path) => limit(() => store.head(path, { signal }))));
  // Also those that are gone: whoever deleted them may have been killed before it could sync, and then they would come back.
  if (gone.length > 0) await store.delete(gone, { signal });
  return { already: !revealed && left.every((info) => info === undefined) };
}
