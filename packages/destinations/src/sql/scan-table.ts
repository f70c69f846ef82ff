import { AlluviumError, type TableScanOptions } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { chooseColumns } from "@alluvium/core/schema";
import type { SqlContext } from "./context.ts";
import { knownSchema } from "./table-info.ts";

/** The committed rows of a table. Between its batches the connection is free for others. */
export async function* scanTable(
  context: SqlContext,
  table: string,
  { columns, signal = context.open.signal }: TableScanOptions = {},
): AsyncGenerator<Batch> {
  const { connection, dialect, queue } = context;
  const schema = await queue(async () => {
    const found = await connection.inspect(table);
    if (found === undefined)
      throw new AlluviumError("ALV_TABLE_NOT_FOUND", `there is no table ${table}`, { resource: table });
    return chooseColumns(table, knownSchema(found), columns);
  });
  const names = schema.fields.map(({ name }) => dialect.quote(name)).join(", ");
  const rows = connection
    .scan({ text: `select ${names} from ${dialect.table(table)}` }, schema, { signal })
    [Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await queue(() => rows.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await queue(async () => void (await rows.return?.()));
  }
}
