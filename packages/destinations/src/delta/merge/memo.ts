import type { KnownMatches } from "./candidates.ts";
import type { Fold } from "./changelog.ts";
import type { KeyFilter } from "./key-filter.ts";

/** What stays known while a merge is worked out again because others committed. */
export interface MergeMemo {
  /** The schema that it was worked out for. */
  schemaString: string | undefined;
  /** The folded load, where it is one part. */
  folded: FoldedPart | undefined;
  matches: KnownMatches;
}

/** A load that is folded, and the filter of its keys. */
export interface FoldedPart {
  readonly fold: Fold;
  readonly filter: KeyFilter;
}

/** A memo that knows nothing. */
export function mergeMemo(schemaString?: string): MergeMemo {
  return { schemaString, folded: undefined, matches: new Map() };
}
