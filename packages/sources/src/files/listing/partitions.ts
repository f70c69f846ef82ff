/** How Hive and Spark write null in a path. */
const NULL = "__HIVE_DEFAULT_PARTITION__";

/** The Hive partitions in a path: `day=2024-01-01/country=CH/a.csv` has `day` and `country`. Values are decoded as Hive encodes them (`%3A`). */
export function partitionsOf(path: string): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const segment of path.split("/").slice(0, -1)) {
    const at = segment.indexOf("=");
    if (at <= 0) continue;
    const text = decode(segment.slice(at + 1));
    found.set(decode(segment.slice(0, at)), text === NULL ? null : text);
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that nobody encoded.
    return text;
  }
}
