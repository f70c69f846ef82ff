import type { Stream, StreamContext, StreamItem } from "../stream.ts";
import type { Emit } from "./emitter.ts";

/** How a stream is read in part. */
export interface ReadSomeOptions extends Pick<StreamContext, "since" | "window" | "limit" | "budget"> {
  /** Aborted when reading ends: what was read by then is all. */
  readonly reading: AbortSignal;
  /** Aborted when everything ends: its reason is what this rejects with. */
  readonly ending: AbortSignal;
  readonly emit: Emit;
}

/** Reads batches of a stream until `take` says that it has enough; nothing is written. Resolves with whether that was all there is. */
export async function readSome(
  stream: Stream,
  { reading, ending, ...context }: ReadSomeOptions,
  take: (item: Extract<StreamItem, { readonly batch: unknown }>) => boolean | Promise<boolean>,
  refused?: (item: Extract<StreamItem, { readonly refused: unknown }>) => void,
): Promise<boolean> {
  if (reading.aborted) return false;
  const stop = new AbortController();
  const signal = AbortSignal.any([reading, stop.signal]);
  try {
    for await (const item of stream.read({ ...context, signal, attempt: 1 }))
      if ("refused" in item) refused?.(item);
      else if ("batch" in item && (await take(item))) return false;
    return true;
  } catch (error) {
    ending.throwIfAborted();
    if (!reading.aborted) throw error;
    return false;
  } finally {
    stop.abort(new Error("enough was read"));
  }
}
