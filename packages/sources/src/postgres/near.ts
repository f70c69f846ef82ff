/** Edits (insert, delete, replace) between two names, ignoring case. */
function distance(left: string, right: string): number {
  const [a, b] = [left.toLowerCase(), right.toLowerCase()];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++)
      current[j] = Math.min(
        previous[j]! + 1,
        current[j - 1]! + 1,
        previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    previous = current;
  }
  return previous[b.length]!;
}

/** What a message adds about a name that does not exist: the nearest ones that do, or a few of them. */
export function suggestion(wanted: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const last = wanted.slice(wanted.lastIndexOf(".") + 1);
  const near = known
    .map((name) => ({
      name,
      score: Math.min(distance(wanted, name), distance(last, name.slice(name.lastIndexOf(".") + 1))),
    }))
    .filter(({ name, score }) => score <= Math.max(1, Math.floor(Math.min(wanted.length, name.length) / 3)))
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map(({ name }) => `"${name}"`);
  if (near.length > 0) return `; did you mean ${near.join(" or ")}?`;
  const some = known.slice(0, 8).map((name) => `"${name}"`);
  return `; there ${known.length === 1 ? "is" : "are"} ${some.join(", ")}${known.length > some.length ? " …" : ""}`;
}
