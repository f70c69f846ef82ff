import type { ObjectInfo, ObjectStore } from "@alluvium/core";
import { compareScalars } from "@alluvium/core/columns";
import { isHidden, matchesAny, type Pattern } from "./pattern.ts";

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
  { patterns, exclude, hidden }: Selection,
  { startAfter, signal }: { readonly startAfter?: string | undefined; readonly signal: AbortSignal },
): AsyncGenerator<ObjectInfo> {
  for (const prefix of prefixesOf(patterns)) {
    const isWithin = startAfter?.startsWith(prefix) === true;
    // All of its paths come before.
    if (startAfter !== undefined && !isWithin && compareScalars(startAfter, prefix) > 0) continue;
    for await (const info of store.list(prefix, { signal, ...(isWithin && { startAfter }) })) {
      const { path } = info;
      if (matchesAny(exclude, path)) continue;
      const isMeant = patterns.some(
        (pattern) => pattern.matches(path) && (hidden || !isHidden(path, pattern.prefix)),
      );
      if (isMeant) yield info;
    }
  }
}

/** What is to be listed, so that nothing is listed twice, in byte order. */
function prefixesOf(patterns: readonly Pattern[]): readonly string[] {
  const all = [...new Set(patterns.map(({ prefix }) => prefix))].sort(compareScalars);
  return all.filter((prefix) => !all.some((other) => other !== prefix && prefix.startsWith(other)));
}
