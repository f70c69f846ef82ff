/**
 * Names for what is taken out of a nested value: the column's own name where it stands at the top, else a JSON Pointer (RFC 6901) to it within
 * its row, `/customer/address/city`. What stands for a value as a whole ends in a token that no pointer to a value has, since `~` is only ever followed by
 * `0` or `1` there.
 */
export type Token = "value" | "key" | "json" | Empty;

/** A value that is there and holds nothing: an empty list or map, an object without any value. */
export type Empty = "list" | "map" | "struct";

/** The name of a value by the names that lead to it; none lead to the element itself. */
export function nameOf(path: readonly string[]): string {
  const [first] = path;
  if (first === undefined) return tokenName(path, "value");
  return path.length === 1 && !first.startsWith("/") ? first : pointerOf(path);
}

/** The name of what stands for the value at `path` as a whole. */
export function tokenName(path: readonly string[], token: Token): string {
  return `${pointerOf(path)}/~${token}`;
}

/** A JSON Pointer. */
export function pointerOf(path: readonly string[]): string {
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** What a name stands for. */
export function parseName(name: string): {
  readonly path: readonly string[];
  readonly token: Token | undefined;
} {
  if (!name.startsWith("/")) return { path: [name], token: undefined };
  const tokens = name.slice(1).split("/");
  const last = tokens.at(-1)!;
  const token = /^~[a-z]/.test(last) ? (last.slice(1) as Token) : undefined;
  const path = (token === undefined ? tokens : tokens.slice(0, -1)).map((one) =>
    one.replaceAll("~1", "/").replaceAll("~0", "~"),
  );
  return { path, token };
}

/** Whether a name stands for a value that is there and holds nothing. */
export function isMark(name: string): boolean {
  const { token } = parseName(name);
  return token === "list" || token === "map" || token === "struct";
}
