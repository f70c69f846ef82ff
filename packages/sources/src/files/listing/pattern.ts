import picomatch from "picomatch";

/** A glob, ready to be asked. */
export interface Pattern {
  readonly glob: string;
  /** What every path that it matches begins with, to the letter. */
  readonly prefix: string;
  /** Whether it names one path, with nothing left open. */
  readonly isPath: boolean;
  readonly matches: (path: string) => boolean;
}

/** What begins something that is not taken to the letter. */
const SPECIAL = /[*?[\]{}()!+@\\]/;

/**
 * A glob: `*` and `?` within a segment, `**` over segments, `{a,b}`, `[a-z]`, as picomatch has them. Files that begin with a point are matched
 * too; leaving them out is another's.
 */
export function patternOf(glob: string): Pattern {
  const special = glob.search(SPECIAL);
  const isPath = special < 0;
  // `@`, `!` and `+` are special before a bracket only, but a shorter prefix does no harm.
  const prefix = isPath ? glob : glob.slice(0, special);
  const matches = isPath
    ? (path: string) => path === glob
    : (picomatch(glob, { dot: true, nonegate: true, windows: false, flags: "s" }) as (
        path: string,
      ) => boolean);
  return { glob, prefix, isPath, matches };
}

/** Whether a path is matched by any pattern. */
export function matchesAny(patterns: readonly Pattern[], path: string): boolean {
  return patterns.some(({ matches }) => matches(path));
}

/** Begins no name that a glob spells out. */
const UNSPELLED = "\uE000";

/**
 * Whether a path that a glob matches is hidden: a segment of it that the glob does not spell out begins with a point, or with `_` (unless it is a Hive
 * partition, `_day=1`). Spark leaves out the same. Spelled out is what the glob would not match if it began with another character.
 */
export function isHidden(path: string, { matches }: Pattern): boolean {
  if (!/(?:^|\/)[._]/.test(path)) return false;
  const segments = path.split("/");
  return segments.some((segment, i) => {
    const isPartition = segment.startsWith("_") && i < segments.length - 1 && segment.includes("=");
    if (!/^[._]/.test(segment) || isPartition) return false;
    return matches(segments.with(i, UNSPELLED + segment.slice(1)).join("/"));
  });
}
