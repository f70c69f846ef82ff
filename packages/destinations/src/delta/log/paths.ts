import { AlluviumError } from "@alluvium/core";
import type { DeletionVectorDescriptor } from "./actions.ts";

/** The folder of the log within a table. */
export const LOG_FOLDER = "_delta_log";

/** The log's folder of a table, with a trailing slash; `directory` may be empty (the table is the store's root). */
export function logFolder(directory: string): string {
  return directory === "" ? `${LOG_FOLDER}/` : `${directory}/${LOG_FOLDER}/`;
}

/** Path of a file of a table, relative to the store. */
export function inTable(directory: string, path: string): string {
  return directory === "" ? path : `${directory}/${path}`;
}

/** A version as the log's file names hold it. */
export function versionText(version: number): string {
  return String(version).padStart(20, "0");
}

/** A file of the log by its name. */
export type LogFile =
  | { readonly kind: "commit"; readonly version: number }
  | { readonly kind: "checksum"; readonly version: number }
  | { readonly kind: "compacted"; readonly version: number; readonly end: number }
  | {
      readonly kind: "checkpoint";
      readonly version: number;
      readonly format: "parquet" | "json";
      /** Of a checkpoint in several parts; 1 of 1 otherwise. */
      readonly part: number;
      readonly parts: number;
    };

const pattern =
  /^(\d{20})\.(?:(json)|(crc)|(\d{20})\.compacted\.json|checkpoint\.(?:(\d{10})\.(\d{10})\.parquet|(?:[0-9a-fA-F-]{36}\.)?(parquet|json)))$/;

/** What a name in the log's folder is; `undefined` for what does not belong to the protocol. */
export function parseLogName(name: string): LogFile | undefined {
  const match = pattern.exec(name);
  if (match === null) return undefined;
  const version = Number(match[1]);
  if (match[2] !== undefined) return { kind: "commit", version };
  if (match[3] !== undefined) return { kind: "checksum", version };
  if (match[4] !== undefined) return { kind: "compacted", version, end: Number(match[4]) };
  if (match[5] !== undefined)
    return {
      kind: "checkpoint",
      version,
      format: "parquet",
      part: Number(match[5]),
      parts: Number(match[6]),
    };
  return { kind: "checkpoint", version, format: match[7] as "parquet" | "json", part: 1, parts: 1 };
}

/** What a data file's path in the log means: relative to the table, or a place of its own. */
export function decodePath(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch (cause) {
    throw new AlluviumError("ALV_FILE_INVALID", `"${path}" is not a URI path`, { cause });
  }
  // `file:/a`, `file:///a` and `/a` are the same place.
  const local = /^file:\/*/i.exec(decoded);
  return local === null ? decoded : `/${decoded.slice(local[0].length)}`;
}

/** A relative path of a data file as the log holds it. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeSegment).join("/");
}

// `=` stays as it is in every writer's logs (`day=2024-01-01/…`).
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll("%3D", "=");
}

/** Whether a decoded path stands outside the table. */
export function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path);
}

/** Tells a file with one deletion vector from the same file with another or none; `undefined`: none. */
function vectorId(vector: DeletionVectorDescriptor | null | undefined): string | undefined {
  if (vector === null || vector === undefined) return undefined;
  const id = `${vector.storageType}${vector.pathOrInlineDv}`;
  return vector.offset === null || vector.offset === undefined ? id : `${id}@${vector.offset}`;
}

/** The key of a logical file: path and deletion vector. A NUL occurs in neither. */
export function fileKey(file: {
  readonly path: string;
  readonly deletionVector?: DeletionVectorDescriptor | null;
}): string {
  const path = decodePath(file.path);
  const id = vectorId(file.deletionVector);
  return id === undefined ? path : `${path}\0${id}`;
}
