import { AlluviumError, type Partition, type Schema } from "@alluvium/core";
import { decodeSchema } from "@alluvium/core/state";
import { openParquet } from "@alluvium/core/parquet";
import pLimit from "p-limit";
import { listFolder, type FolderFile } from "../folders/list.ts";
import type { FormatContext, KnownPipeline, LakeTable } from "../lake/contract.ts";
import { objectSource } from "../lake/files/object-source.ts";
import { decodePartitions, footerKeys } from "./footer.ts";

/** Files whose footers tell about a table: the newest, and some of the oldest. A footer is one or two small reads. */
const NEWEST = 48;
const OLDEST = 16;
const CONCURRENT = 8;

/** What data files are called. */
export const parquetEndings = [".parquet"] as const;

/** What the footer of one file says. */
interface FooterFacts {
  readonly schema: Schema;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A table as its files tell; `undefined` where there are none. */
export async function inspectFolder(
  directory: string,
  context: FormatContext,
): Promise<LakeTable | undefined> {
  const files: FolderFile[] = [];
  for await (const file of listFolder(directory, parquetEndings, context)) files.push(file);
  if (files.length === 0) return undefined;
  files.sort((a, b) => b.modified.getTime() - a.modified.getTime());
  const asked =
    files.length <= NEWEST + OLDEST ? files : [...files.slice(0, NEWEST), ...files.slice(-OLDEST)];
  const limit = pLimit(CONCURRENT);
  const footers = await Promise.all(asked.map((file) => limit(() => readFooter(directory, file, context))));
  const own = footers.find(({ metadata }) => metadata[footerKeys.table] !== undefined);
  const partitionBy = own === undefined ? foreignPartitions(files[0]!) : decodePartitions(own.metadata);
  return {
    // A folder that others wrote has no id; where it stands is what identifies it.
    id: own?.metadata[footerKeys.table] ?? `folder:${directory}`,
    schema: mergeSchemas(footers),
    partitionBy,
    pipelines: knownPipelines(footers),
  };
}

async function readFooter(
  directory: string,
  file: FolderFile,
  { store, signal }: FormatContext,
): Promise<FooterFacts> {
  const path = `${directory}/${file.path}`;
  try {
    const parquet = await openParquet(objectSource(store, path, file.size, signal), { name: path });
    const metadata = parquet.metadata.keyValueMetadata;
    const encoded = metadata[footerKeys.schema];
    return {
      metadata,
      schema:
        encoded === undefined ? withPartitions(parquet.schema, file) : decodeSchema(JSON.parse(encoded)),
    };
  } catch (error) {
    if (!AlluviumError.is(error) || error.code !== "ALV_FILE_INVALID") throw error;
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `a file in the folder ${directory} of ${store.url} is no readable Parquet file: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

/** The columns of a file of another writer, with those of its directories as text. */
function withPartitions(schema: Schema, file: FolderFile): Schema {
  const names = Object.keys(file.partition).filter(
    (name) => !schema.fields.some((field) => field.name === name),
  );
  const fields = names.map((name) => ({ name, type: { kind: "string" }, nullable: true }) as const);
  return { fields: [...schema.fields, ...fields] };
}

function foreignPartitions(file: FolderFile): readonly Partition[] {
  return Object.keys(file.partition).map((column) => ({ column }));
}

/** Columns of the newest file first, then those that only older ones have. */
function mergeSchemas(footers: readonly FooterFacts[]): Schema {
  const fields = new Map<string, Schema["fields"][number]>();
  for (const { schema } of footers)
    for (const field of schema.fields) {
      const known = fields.get(field.name);
      if (known === undefined || known.type.kind === "null") fields.set(field.name, field);
    }
  return { fields: [...fields.values()] };
}

function knownPipelines(footers: readonly FooterFacts[]): readonly KnownPipeline[] {
  const known = new Map<string, KnownPipeline>();
  for (const { metadata } of footers) {
    const pipeline = metadata[footerKeys.pipeline];
    if (pipeline === undefined) continue;
    const lane = metadata[footerKeys.lane];
    const incarnation = metadata[footerKeys.incarnation];
    // No sequence: single files of a load that is not wholly applied are here as well.
    known.set(JSON.stringify([pipeline, lane, incarnation]), {
      pipeline,
      ...(lane === undefined ? {} : { lane }),
      ...(incarnation === undefined ? {} : { incarnation }),
    });
  }
  return [...known.values()];
}
