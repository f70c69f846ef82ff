import type { PipelineId } from "@alluvium/core";

/** Folder at the root of a lake that holds the state of all its pipelines. */
export const STATE_FOLDER = "_alluvium";

/** Paths of one pipeline and lane below the store's root. */
export interface LakePaths {
  /** Ends with `/`. Manifests and applied markers stand directly in it and sort before everything else there. */
  readonly folder: string;
  readonly lease: string;
  readonly hint: string;
  readonly schemas: string;
  readonly lists: string;
}

/** Where a pipeline and lane keeps its state. */
export function lakePaths({ pipeline, lane }: PipelineId): LakePaths {
  const folder = `${STATE_FOLDER}/${encodeName(pipeline)}/${encodeName(lane)}/`;
  return {
    folder,
    lease: `${folder}_lease.json`,
    hint: `${folder}_newest.json`,
    schemas: `${folder}_schemas/`,
    lists: `${folder}_lists/`,
  };
}

/** Digits of a sequence number, so that names sort like numbers. */
export function digits(sequence: number): string {
  return String(sequence).padStart(20, "0");
}

/** The manifest of a load. */
export function manifestPath(paths: LakePaths, sequence: number): string {
  return `${paths.folder}${digits(sequence)}.json`;
}

/** The marker that a load is applied. Sorts just before the manifest, so that one listing shows both. */
export function markerPath(paths: LakePaths, sequence: number): string {
  return `${paths.folder}${digits(sequence)}.applied`;
}

/** A schema by its content hash. */
export function schemaPath(paths: LakePaths, hash: string): string {
  return `${paths.schemas}${hash}.json`;
}

/** A list of files that is too long for its manifest. */
export function listPath(paths: LakePaths, sequence: number, loadId: string, index: number): string {
  return `${paths.lists}${digits(sequence)}-${encodeName(loadId)}-${index}.json`;
}

/** Number and kind of an object in {@link LakePaths.folder}, from its name; `undefined` for what is neither manifest nor marker. */
export function parseName(
  paths: LakePaths,
  path: string,
): { readonly sequence: number; readonly kind: "json" | "applied" } | undefined {
  const match = /^(\d{20})\.(json|applied)$/.exec(path.slice(paths.folder.length));
  if (match === null) return undefined;
  return { sequence: Number(match[1]), kind: match[2] as "json" | "applied" };
}

/**
 * A name as one path segment: everything but letters, digits, `-` and `_` (and dots inside) percent-encoded, so that no two names
 * share a folder and none leads out of it.
 */
export function encodeName(name: string): string {
  const encoded = encodeURIComponent(name).replace(
    /[!'()*~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.replace(/^\.+/, (dots) => "%2E".repeat(dots.length));
}

/**
 * The directory of a table: its name, with what file systems and listings give a meaning to percent-encoded. Readable names stay
 * as they are, since other engines open the table by this path.
 */
export function tableDirectory(table: string): string {
  const encoded = table.replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f/\\:*?"<>|%#]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return encoded.replace(/^\.+/, (dots) => "%2E".repeat(dots.length));
}
