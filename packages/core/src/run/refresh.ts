import type { PipelineState, StreamState } from "../state/state.ts";
import type { Stream, TableDescription } from "../stream.ts";
import { refused } from "./plan-checks.ts";
import { storedCursor } from "./stored-cursor.ts";

/** A refresh of a stream that is not committed yet. */
export interface PendingRefresh {
  /** What the state holds of the stream once it is, unless the load brings a cursor. */
  readonly state: StreamState | undefined;
}

/** What is left of a stream's cursor when that of its tables is forgotten. */
export function forgetCursor(
  stream: Stream,
  stored: StreamState | undefined,
  run: { readonly state: PipelineState | undefined; readonly only: readonly string[] | undefined },
): PendingRefresh & { readonly since: unknown } {
  if (stored === undefined) return { state: undefined, since: undefined };
  if (stream.forget === undefined) {
    const others = run.only === undefined ? [] : othersOf(stream, run.state);
    if (others.length > 0)
      throw refused(
        stream.tables.map(({ name }) => name).join(", "),
        `a refresh would forget the cursor of ${others.join(", ")} as well, which the run does not read: name all of them in only`,
      );
    return { state: undefined, since: undefined };
  }
  const cursor = storedCursor(stream, stored);
  const since = cursor === undefined ? undefined : stream.forget(cursor);
  if (since === undefined) return { state: undefined, since };
  const { version } = stream.cursor;
  return { state: { ...stored, cursor: stream.cursor.encode(since), cursorVersion: version }, since };
}

/** The resources whose cursor the stream holds too, but which it does not read this time. */
function othersOf({ name, tables }: Stream, state: PipelineState | undefined): readonly string[] {
  const read = new Set(tables.map((table) => table.name));
  return Object.values(state?.tables ?? {})
    .filter(({ stream, resource }) => stream === name && !read.has(resource))
    .map(({ resource }) => resource);
}

/** A table that appends, and whose rows stay while its cursor is forgotten, would get them a second time. */
export function refuseTwiceLoaded({ name, disposition }: TableDescription): void {
  if (disposition.kind === "append")
    throw refused(
      name,
      'it appends, and refresh: "state" would add its rows a second time: use refresh: "data", which empties the table first, or leave it out with only',
    );
}
