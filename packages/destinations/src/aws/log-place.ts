import type { ObjectStore } from "@alluvium/core";
import { STATE_FOLDER } from "../lake/paths.ts";

/** Where an object stands whose creation decides something: which writer has a version of a table, or a load of a pipeline. */
export interface LogPlace {
  readonly kind: "log" | "manifest";
  /** Hash key of its item: what other writers call the table. */
  readonly tablePath: string;
  /** Range key: the name within `folder`. */
  readonly fileName: string;
  /** Its folder in the store, with `/`. Paths of temporary files are relative to it. */
  readonly folder: string;
  readonly path: string;
}

/** A folder of such objects, by itself. */
export type LogFolder = Pick<LogPlace, "kind" | "tablePath" | "folder">;

const LOG = "_delta_log/";

/**
 * Where an object has its item, or `undefined` for what needs none: data, checkpoints and checksums (each is of one commit), the lease (which decides nothing),
 * and schemas and lists of a pipeline's state, whose names say what is in them.
 */
export function placeOf(store: ObjectStore, scheme: string, path: string): LogPlace | undefined {
  const cut = path.lastIndexOf("/") + 1;
  const folder = folderOf(store, scheme, path.slice(0, cut));
  const fileName = path.slice(cut);
  const pattern = folder?.kind === "log" ? /^\d{20}\.json$/ : /^\d{20}\.(?:json|applied)$/;
  return folder !== undefined && pattern.test(fileName) ? { ...folder, fileName, path } : undefined;
}

/** The folder that a listing is of, where it is one that has items. */
export function folderOf(store: ObjectStore, scheme: string, folder: string): LogFolder | undefined {
  if (folder === LOG || folder.endsWith(`/${LOG}`)) {
    const directory = folder.slice(0, -LOG.length).replace(/\/$/, "");
    return { kind: "log", tablePath: pathOf(store, scheme, directory), folder };
  }
  if (new RegExp(`^${STATE_FOLDER}/[^/]+/[^/]+/$`).test(folder))
    return { kind: "manifest", tablePath: pathOf(store, scheme, folder.slice(0, -1)), folder };
  return undefined;
}

/** As Hadoop says a path: without a `/` at the end, unless it is the bucket itself. */
function pathOf({ url }: ObjectStore, scheme: string, path: string): string {
  const root = url.replace(/^s3[an]?:/, `${scheme}:`).replace(/\/+$/, "");
  if (path !== "") return `${root}/${path}`;
  return /^[^:]+:\/\/[^/]+$/.test(root) ? `${root}/` : root;
}

/** A new temporary file of a commit, relative to its folder. Those of manifests have to sort behind all manifests. */
export function temporaryPath({ kind, fileName }: LogPlace): string {
  return `${kind === "log" ? ".tmp" : "_tmp"}/${fileName}.${crypto.randomUUID()}`;
}
