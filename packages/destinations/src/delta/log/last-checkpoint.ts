import { createHash } from "node:crypto";
import type { ObjectStore } from "@alluvium/core";
import { logFolder } from "./paths.ts";

/** What `_last_checkpoint` says: where to begin listing. A hint, no more. */
export interface LastCheckpoint {
  readonly version: number;
  /** Actions in the checkpoint. */
  readonly size: number;
  readonly parts?: number;
  readonly sizeInBytes?: number;
  readonly numOfAddFiles?: number;
}

/** Reads the hint; `undefined` where there is none or it is damaged, because then listing from the start is right as well. */
export async function readLastCheckpoint(
  store: ObjectStore,
  directory: string,
  signal?: AbortSignal,
): Promise<LastCheckpoint | undefined> {
  const path = `${logFolder(directory)}_last_checkpoint`;
  const call = signal ? { signal } : {};
  try {
    const hint = JSON.parse(new TextDecoder().decode(await store.get(path, call))) as LastCheckpoint & {
      readonly checksum?: unknown;
    };
    if (!Number.isSafeInteger(hint.version) || hint.version < 0) return undefined;
    if (typeof hint.checksum === "string" && hint.checksum !== jsonChecksum(hint)) return undefined;
    return hint;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** Moves the hint to a newer checkpoint; a hint that is newer already stays. */
export async function writeLastCheckpoint(
  store: ObjectStore,
  directory: string,
  hint: LastCheckpoint,
): Promise<void> {
  const current = await readLastCheckpoint(store, directory);
  if (current !== undefined && current.version >= hint.version) return;
  const text = JSON.stringify({ ...hint, checksum: jsonChecksum(hint) });
  await store.put(`${logFolder(directory)}_last_checkpoint`, new TextEncoder().encode(text));
}

/**
 * MD5 of a JSON object in canonical form, its own `checksum` left out.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#json-checksum
 */
export function jsonChecksum(value: object): string {
  return createHash("md5").update(canonicalForm(value)).digest("hex");
}

/** The canonical form whose MD5 is the checksum: `"a"=1,"b"+0="x"`. */
export function canonicalForm(value: object): string {
  const pairs: [path: string, text: string][] = [];
  for (const [key, member] of Object.entries(value))
    if (key !== "checksum" && member !== undefined) collect(quoted(key), member, pairs);
  // Everything is ASCII by now, so that code units compare like bytes.
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return pairs.map(([path, text]) => `${path}=${text}`).join(",");
}

function collect(path: string, value: unknown, pairs: [string, string][]): void {
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) collect(`${path}+${index}`, member, pairs);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) collect(`${path}+${quoted(key)}`, member, pairs);
  } else {
    pairs.push([path, typeof value === "string" ? quoted(value) : JSON.stringify(value)]);
  }
}

// Everything but letters, digits and -._~ is escaped, also what encodeURIComponent leaves alone.
function quoted(text: string): string {
  const escaped = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `"${escaped}"`;
}
