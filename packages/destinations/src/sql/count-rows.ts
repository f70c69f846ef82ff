import type { DestinationSession } from "@alluvium/core";

type Query = NonNullable<DestinationSession["query"]>;

/** Runs a query. */
type Ask = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** How many rows a query of the user's finds, and the first of them. As part of another query it can only read. `quoted`: the table in SQL. */
export async function countRows(
  ask: Ask,
  text: string,
  { quoted, first }: { readonly quoted: string; readonly first: number },
): ReturnType<Query> {
  const query = text.replace(/[\s;]+$/, "").replaceAll("{table}", () => quoted);
  // The text may end in a comment.
  const from = `from (${query}\n) as _alv_found`;
  const [counted] = await ask(`select count(*) as found ${from}`);
  const rows = Number(counted!["found"]);
  if (first === 0 || rows === 0) return { rows, first: [] };
  const some = await ask(`select cast(to_json(_alv_found) as text) as found ${from} limit ${first}`);
  return { rows, first: some.map(({ found }) => String(found)) };
}
