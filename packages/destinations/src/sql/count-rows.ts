import type { DestinationSession } from "@alluvium/core";
import type { SqlContext } from "./context.ts";

type Query = NonNullable<DestinationSession["query"]>;

/** How many rows a query of the user's finds, and the first of them. As part of another query it can only read. */
export async function countRows(
  { connection, dialect }: SqlContext,
  text: string,
  { table, first, signal }: Parameters<Query>[1],
): ReturnType<Query> {
  const query = text.replace(/[\s;]+$/, "").replaceAll("{table}", () => dialect.table(table));
  // The text may end in a comment.
  const from = `from (${query}\n) as _alv_found`;
  const [counted] = await connection.query({ text: `select count(*) as found ${from}` }, { signal });
  const rows = Number(counted!["found"]);
  if (first === 0 || rows === 0) return { rows, first: [] };
  const some = await connection.query(
    { text: `select cast(to_json(_alv_found) as text) as found ${from} limit ${first}` },
    { signal },
  );
  return { rows, first: some.map(({ found }) => String(found)) };
}
