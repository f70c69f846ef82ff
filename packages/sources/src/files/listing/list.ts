import type { ObjectInfo, ObjectStore } from "@alluvium/core";
import { compareScalars } from "@alluvium/core/columns";
import { isHidden, matchesAny, type Pattern } from "./pattern.ts";

/** Files that are looked at together where they are named. */
const AT_ONCE = 16;

/** Which files are meant. */
export interface Selection {
  readonly patterns: readonly Pattern[];
  readonly exclude: readonly Pattern[];
  /** Whether hidden files are meant too. */
  readonly hidden: boolean;
}

/** The files that are meant, in byte order of their paths, after `startAfter`. Holds no listing whole; only what the patterns begin with is asked for. */
export async function* listMatching(
  store: ObjectStore,
  selection: Selection,
  { startAfter, signal }: { readonly startAfter?: string | undefined; readonly signal: AbortSignal },
): AsyncGenerator<ObjectInfo> {
  for (const prefix of prefixesOf(selection.patterns)) {
    const isWithin = startAfter?.startsWith(prefix) === true;
    // All of its paths come before.
    if (startAfter !== undefined && !isWithin && compareScalars(startAfter, prefix) > 0) continue;
    for await (const info of store.list(prefix, { signal, ...(isWithin && { startAfter }) })) {
      if (isMeant(selection, info.path)) yield info;
    }
  }
}

/** Whether a file is meant. */
export function isMeant({ patterns, exclude, hidden }: Selection, path: string): boolean {
  if (matchesAny(exclude, path)) return false;
  return patterns.some((pattern) => pattern.matches(path) && (hidden || !isHidden(path, pattern)));
}

/** Those of `paths` that are there, as a listing gives them, in their order. */
export async function* listNamed(
  store: ObjectStore,
  paths: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<ObjectInfo> {
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE).map((path) => store.head(path, { signal }));
    for (const info of await Promise.all(some)) if (info !== undefined) yield info;
  }
}

/** What is to be listed, so that nothing is listed twice, in byte order. */
function prefixesOf(patterns: readonly Pattern[]): readonly string[] {
  const all = [...new Set(patterns.map(({ prefix }) => prefix))].sort(compareScalars);
  return all.filter((prefix) => !all.some((other) => other !== prefix && prefix.startsWith(other)));
}
