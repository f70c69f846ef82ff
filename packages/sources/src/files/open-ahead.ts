import type { ObjectInfo } from "@alluvium/core";
import type { FileContent } from "./format.ts";

/** A file that is open, or what came of opening it. */
export interface Opened {
  readonly info: ObjectInfo;
  readonly content: FileContent | { readonly error: unknown };
}

/** Opens files ahead of whoever reads them, so many at once, in their order. */
export async function* openAhead(
  files: AsyncIterable<ObjectInfo>,
  most: number,
  signal: AbortSignal,
  open: (info: ObjectInfo, signal: AbortSignal) => Promise<FileContent>,
): AsyncGenerator<Opened> {
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  const listing = files[Symbol.asyncIterator]();
  const underWay: Promise<Opened>[] = [];
  let listed = false;
  try {
    for (;;) {
      while (!listed && underWay.length < most) {
        const { done, value: info } = await listing.next();
        if (done === true) listed = true;
        else
          underWay.push(
            open(info, ending).then(
              (content) => ({ info, content }),
              (error: unknown) => ({ info, content: { error } }),
            ),
          );
      }
      const next = underWay.shift();
      if (next === undefined) return;
      yield await next;
    }
  } finally {
    stop.abort(new Error("no more files are needed"));
    await Promise.allSettled(underWay);
    await listing.return?.();
  }
}
