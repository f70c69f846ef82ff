import { AlluviumError, type DestinationSession, type Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import type { SqlContext } from "./context.ts";
import { knownSchema } from "./table-info.ts";

type ScanOptions = Parameters<NonNullable<DestinationSession["scan"]>>[1];

/** The committed rows of a table. Between its batches the connection is free for others. */
export async function* scanTable(
  context: SqlContext,
  table: string,
  { columns, signal = context.open.signal }: ScanOptions = {},
): AsyncGenerator<Batch> {
  const { connection, dialect, queue } = context;
  const schema = await queue(async () => {
    const found = await connection.inspect(table);
    if (found === undefined)
      throw new AlluviumError("ALV_TABLE_NOT_FOUND", `there is no table ${table}`, { resource: table });
    return chosen(table, knownSchema(found), columns);
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

function chosen(table: string, schema: Schema, columns: readonly string[] | undefined): Schema {
  if (columns === undefined) return schema;
  return {
    fields: columns.map((column) => {
      const field = schema.fields.find(({ name }) => name === column);
      if (field !== undefined) return field;
      throw new AlluviumError("ALV_SOURCE_NOT_FOUND", `table ${table} has no column ${column}`, {
        resource: table,
      });
    }),
  };
}
