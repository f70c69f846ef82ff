// In every Node that Alluvium runs on, but not yet in TypeScript's library for ES2024.
const json = JSON as typeof JSON & { rawJSON(text: string): unknown };

/**
 * Statistics of a file that gets a deletion vector, as JSON text: they go on counting all rows that the file holds, and bounds and counts
 * of nulls are no longer tight. `rows`: how many it holds, for files whose statistics do not say.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
 */
export function wideBounds(stats: string | null | undefined, rows: number): string {
  return JSON.stringify({ numRecords: rows, ...parsed(stats), tightBounds: false });
}

/** The statistics with every number to the letter; nothing where they are damaged. */
function parsed(stats: string | null | undefined): object {
  try {
    const value: unknown = JSON.parse(stats ?? "{}", ((
      _: string,
      member: unknown,
      context?: { source?: string },
    ) =>
      typeof member === "number" && context?.source !== undefined
        ? json.rawJSON(context.source)
        : member) as (key: string, value: unknown) => unknown);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
