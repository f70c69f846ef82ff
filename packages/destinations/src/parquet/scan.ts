import { AlluviumError } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import type { LakeFormat } from "../lake/contract.ts";
import { readDataFile } from "../lake/files/read.ts";
import { inspectFolder, listFolder } from "./folder.ts";

/** The rows of a folder's files, with the columns that the folder has as a whole. */
export async function* scanFolder(
  directory: string,
  { columns, ...context }: Parameters<LakeFormat["scan"]>[1],
): AsyncGenerator<Batch> {
  const { store, signal } = context;
  const table = await inspectFolder(directory, context);
  if (table === undefined)
    throw new AlluviumError(
      "ALV_TABLE_NOT_FOUND",
      `there are no Parquet files in "${directory}" of ${store.url}`,
    );
  const fields =
    columns?.map((column) => {
      const field = table.schema.fields.find(({ name }) => name === column);
      if (field !== undefined) return field;
      throw new AlluviumError(
        "ALV_SOURCE_NOT_FOUND",
        `the files in "${directory}" have no column ${column}; they have ${table.schema.fields.map(({ name }) => name).join(", ")}`,
      );
    }) ?? table.schema.fields;
  const { partitionBy } = table;
  for await (const file of listFolder(directory, context))
    yield* readDataFile(
      { ...file, staged: file.path },
      { store, directory, partitionBy, schema: { fields } },
      signal,
    );
}
