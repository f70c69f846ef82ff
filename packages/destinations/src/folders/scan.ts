import { AlluviumError } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { chooseColumns } from "@alluvium/core/schema";
import type { ScanContext } from "../lake/contract.ts";
import type { FolderKind } from "./kind.ts";
import { listFolder } from "./list.ts";

/** The rows of a folder's files, with the columns that the folder has as a whole. */
export async function* scanFolder(
  { inspect, endings, read, title }: FolderKind,
  directory: string,
  { columns, ...context }: ScanContext,
): AsyncGenerator<Batch> {
  const { store, signal } = context;
  const table = await inspect(directory, context);
  if (table === undefined)
    throw new AlluviumError(
      "ALV_TABLE_NOT_FOUND",
      `there are no ${title} files in "${directory}" of ${store.url}`,
    );
  const schema = chooseColumns(directory, table.schema, columns);
  const { partitionBy } = table;
  for await (const file of listFolder(directory, endings, context))
    yield* read({ ...file, staged: file.path }, { store, directory, partitionBy, schema }, signal);
}
