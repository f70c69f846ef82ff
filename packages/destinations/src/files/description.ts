import { AlluviumError, type Json, type Partition, type Schema } from "@alluvium/core";
import { canonicalJson, decodeSchema, encodeSchema } from "@alluvium/core/state";
import type { ApplyContext, FormatContext, KnownPipeline, LakeTable, TableChange } from "../lake/contract.ts";
import { digits, encodeName } from "../lake/paths.ts";
import { decodePartitioning, encodePartitioning } from "../folders/partitioning.ts";
import { listFolder } from "../folders/list.ts";
import type { TextFormat } from "./text/format.ts";

/**
 * What text cannot say of itself: a table's id, columns and partitioning, and who writes it. Each load leaves one description in
 * `<table>/_table/<pipeline>/<lane>/<incarnation>/<sequence>.alluvium`, before its files can be seen, and removes older ones of its own.
 */
interface Description {
  readonly version: 1;
  readonly format: Json;
  readonly table: string;
  readonly schema: Json;
  readonly partitionBy: Json;
  readonly pipeline: string;
  readonly lane: string;
  readonly incarnation: string;
}

const FOLDER = "_table";

/** What is kept of how files are written, so that nobody reads them as something else. */
function formatJson({ name, dialect }: TextFormat): Json {
  return { name, ...dialect };
}

/** Leaves the description of a load. Does nothing where a later one of the same writer is there. */
export async function describeTable(
  format: TextFormat,
  change: TableChange,
  context: ApplyContext,
): Promise<void> {
  const { store, load, signal } = context;
  const { pipeline, lane, incarnation, sequence } = load;
  const folder = `${change.directory}/${FOLDER}/${[pipeline, lane, incarnation].map(encodeName).join("/")}/`;
  const path = `${folder}${digits(sequence)}.alluvium`;
  const description: Description = {
    version: 1,
    format: formatJson(format),
    table: change.tableId,
    schema: encodeSchema(change.schema),
    partitionBy: encodePartitioning(change.partitionBy),
    pipeline,
    lane,
    incarnation,
  };
  const bytes = new TextEncoder().encode(canonicalJson(description as unknown as Json));
  const paths: string[] = [];
  for await (const info of store.list(folder, { signal })) paths.push(info.path);
  // Whoever applies a later load has found this one applied, and made its own description last.
  if (paths.some((other) => other > path)) return;
  // Whole or not there, also after a loss of power: a part of it would keep the table from being read. One that is there is made to last.
  await store.putIfAbsent(path, bytes, { signal });
  const older = paths.filter((other) => other < path);
  if (older.length > 0) await store.delete(older, { signal });
}

/** A table as its descriptions tell; of one without any only its files are known. `undefined` where there is neither. */
export async function inspectTable(
  format: TextFormat,
  endings: readonly string[],
  directory: string,
  context: FormatContext,
): Promise<LakeTable | undefined> {
  let found = await newestOfEach(directory, context);
  if (found.length === 0) {
    const foreign = await inspectForeign(endings, directory, context);
    if (foreign === undefined) return undefined;
    // A description comes before the files: those of a table that was made since we looked have one now.
    found = await newestOfEach(directory, context);
    if (found.length === 0) return foreign;
  }
  const own = canonicalJson(formatJson(format));
  for (const { format: other } of found)
    if (canonicalJson(other) !== own)
      throw new AlluviumError(
        "ALV_CONFIG",
        `the folder ${directory} of ${context.store.url} holds files of the format ${canonicalJson(other)}, and the destination says ${own}: use the format that it has, or another folder`,
        { step: "open" },
      );
  const [newest] = found;
  return {
    id: newest!.table,
    schema: mergedSchema(found),
    partitionBy: decodePartitioning(newest!.partitionBy),
    pipelines: found.map(({ pipeline, lane, incarnation }): KnownPipeline => ({
      pipeline,
      lane,
      incarnation,
    })),
  };
}

/** The last description of each writer, the newest first. */
async function newestOfEach(directory: string, context: FormatContext): Promise<readonly Description[]> {
  for (;;) {
    const found = await readNewest(directory, context);
    if (found !== undefined) return found;
  }
}

/** What {@link newestOfEach} is; `undefined` where a writer has taken one away since they were listed, because its next load has another. */
async function readNewest(
  directory: string,
  { store, signal }: FormatContext,
): Promise<readonly Description[] | undefined> {
  const last = new Map<string, { readonly path: string; readonly modified: Date }>();
  for await (const { path, modified } of store.list(`${directory}/${FOLDER}/`, { signal }))
    last.set(path.slice(0, path.lastIndexOf("/")), { path, modified });
  const order = [...last.values()].sort((a, b) => b.modified.getTime() - a.modified.getTime());
  const found: Description[] = [];
  for (const { path } of order) {
    const bytes = await readIfThere(path, { store, signal });
    if (bytes === undefined) return undefined;
    found.push(decodeDescription(bytes, path));
  }
  return found;
}

async function readIfThere(path: string, { store, signal }: FormatContext): Promise<Uint8Array | undefined> {
  try {
    return await store.get(path, { signal });
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_NOT_FOUND") return undefined;
    throw error;
  }
}

function decodeDescription(bytes: Uint8Array, path: string): Description {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new AlluviumError("ALV_FILE_INVALID", `${path} is no description of a table`, { cause: error });
  }
  const { version, table, pipeline } = (value ?? {}) as Partial<Record<keyof Description, unknown>>;
  if (version !== 1 || typeof table !== "string" || typeof pipeline !== "string")
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `${path} is no description of a table that this version reads`,
    );
  return value as Description;
}

/** Columns of the newest description first, then those that only others have. */
function mergedSchema(found: readonly Description[]): Schema {
  const fields = new Map<string, Schema["fields"][number]>();
  for (const { schema } of found)
    for (const field of decodeSchema(schema).fields) {
      const known = fields.get(field.name);
      if (known === undefined || known.type.kind === "null") fields.set(field.name, field);
    }
  return { fields: [...fields.values()] };
}

/** A folder that others wrote: where it stands is what identifies it, and its columns are not known. */
async function inspectForeign(
  endings: readonly string[],
  directory: string,
  context: FormatContext,
): Promise<LakeTable | undefined> {
  for await (const { partition } of listFolder(directory, endings, context)) {
    const partitionBy: readonly Partition[] = Object.keys(partition).map((column) => ({ column }));
    return { id: `folder:${directory}`, schema: { fields: [] }, partitionBy, pipelines: [] };
  }
  return undefined;
}
