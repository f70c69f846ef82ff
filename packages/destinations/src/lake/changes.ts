import type { SchemaChange } from "@alluvium/core";
import type { TableChange } from "./contract.ts";
import type { LakeContext } from "./context.ts";
import { createOnce } from "./create-once.ts";
import { getOptional } from "./journal.ts";
import { damaged, decodeFileList, encodeFileList } from "./manifest-codec.ts";
import type { FileList, StoredChange } from "./manifest.ts";
import { listPath } from "./paths.ts";
import { loadSchema, storeSchema } from "./schemas.ts";

/** Lists of files with more bytes than this stand beside the manifest. */
const INLINE_BYTES = 65_536;

/** What a stored change adds to the change itself. */
export interface ChangeFacts {
  readonly stream: string;
  /** When its oldest file was begun, in milliseconds by the store's clock. */
  readonly written: number;
  readonly schemaChanges: readonly SchemaChange[] | undefined;
}

/** Puts a change into the form that a manifest holds: schema and long lists are stored beside it, durably, and referred to. */
export async function storeChange(
  context: LakeContext,
  change: TableChange,
  facts: ChangeFacts,
  place: { readonly sequence: number; readonly loadId: string; readonly index: number },
  kept: ReadonlySet<string>,
): Promise<StoredChange> {
  const { files, obsolete, schema, ...rest } = change;
  const { stream, written, schemaChanges = [] } = facts;
  const list: FileList = { files, obsolete };
  let stored: FileList | string = list;
  // A file takes some hundred bytes at least, so that short lists need no second encoding.
  if (files.length + obsolete.length > 16) {
    const bytes = encodeFileList(list);
    if (bytes.length > INLINE_BYTES) {
      stored = listPath(context.paths, place.sequence, place.loadId, place.index);
      const outcome = await createOnce(context, stored, bytes);
      if ("error" in outcome) throw outcome.error;
    }
  }
  return {
    ...rest,
    schema: await storeSchema(context, schema, kept),
    stream,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    fileCount: files.length,
    written: new Date(written).toISOString(),
    ...(schemaChanges.length > 0 && { schemaChanges }),
    files: stored,
  };
}

/** The change that a manifest holds. Throws `ALV_STATE_INVALID` when what it refers to is missing or damaged. */
export async function loadChange(context: LakeContext, stored: StoredChange): Promise<TableChange> {
  const { table, directory, tableId, create, operation, schemaChanged, newColumns, partitionBy, ownership } =
    stored;
  return {
    table,
    directory,
    tableId,
    create,
    operation,
    schemaChanged,
    ...(newColumns && { newColumns }),
    partitionBy,
    ownership,
    schema: await loadSchema(context, stored.schema),
    ...(await loadFiles(context, stored.files)),
  };
}

async function loadFiles(context: LakeContext, files: FileList | string): Promise<FileList> {
  if (typeof files !== "string") return files;
  const bytes = await getOptional(context, files);
  if (bytes === undefined) throw damaged(files, "list of files", "it is missing");
  const { files: listed, obsolete } = decodeFileList(bytes, files);
  return { files: listed, obsolete };
}
