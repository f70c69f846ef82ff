import type { Destination, ObjectStore } from "@alluvium/core";
import { rewriteWith } from "../lake/files/rewrite.ts";
import { openTableWriter } from "../lake/files/table-writer.ts";
import { openLake, type LakeOptions } from "../lake/lake.ts";
import { folderFormat } from "./format.ts";
import type { FolderKind } from "./kind.ts";

/** What the lake protocol needs for folders of a kind. */
export function folderParts(kind: FolderKind): Pick<LakeOptions, "format" | "openWriter" | "rewrite"> {
  return {
    format: folderFormat(kind),
    openWriter: (writer) => openTableWriter(writer, kind.files),
    rewrite: rewriteWith(kind.files, kind.read),
  };
}

/** What a destination's `open` is, for folders of a kind. */
export function openFolders(store: ObjectStore, kind: FolderKind): Destination["open"] {
  return openLake({ store, ...folderParts(kind) });
}
