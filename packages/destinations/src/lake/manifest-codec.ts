import { AlluviumError, type Json, type SchemaChange } from "@alluvium/core";
import { canonicalJson, decodeSchemaChange, encodeSchemaChange } from "@alluvium/core/state";
import { z } from "zod";
import type { AppliedMarker, FileList, Manifest } from "./manifest.ts";

/**
 * Versions of the stored forms. Add one when an older reader would misread the new form, and teach the decoders both: what was
 * committed once stays readable. The second one can hold merges, the third one nested tables; what
 * needs none of it is stored in the first one, for older readers.
 */
const newest = 3;
const version = z.union([z.literal(1), z.literal(2), z.literal(3)]);

const count = z.int().nonnegative();
const text = z.string();

const dataFile = z.object({
  staged: text,
  final: text,
  size: count,
  rows: count,
  partition: z.record(text, text.nullable()),
  columns: z.array(
    z.object({
      path: z.array(text),
      nulls: count,
      min: text.optional(),
      max: text.optional(),
    }),
  ),
  changes: z.object({ stretch: count }).optional(),
});

const fileList = z.object({ files: z.array(dataFile), obsolete: z.array(text) });

const condition = z.object({
  column: text,
  op: z.enum(["=", "<", "<=", ">", ">=", "in"]),
  value: z.union([text, z.array(text), z.null()]),
});

const merge = z.object({
  kind: z.literal("merge"),
  strategy: z.enum(["upsert", "insertOnly", "deleteInsert", "scd2"]),
  primaryKey: z.array(text),
  mergeKey: z.array(text).optional(),
  orderBy: text.optional(),
  deleteFlag: text.optional(),
  validity: z
    .object({
      from: text,
      to: text,
      active: text,
      at: text,
      column: text.optional(),
      retireAbsent: z.boolean(),
    })
    .optional(),
  restart: z.literal(true).optional(),
  follows: z.object({ table: text, directory: text, rowId: text, rootId: text }).optional(),
});

const rowCounts = z.object({ inserted: count, updated: count, deleted: count });

// Readers that do not know of them pass over them, so that they need no version of their own.
const schemaChange = z.json().transform((json, context) => {
  try {
    return decodeSchemaChange(json as Json);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});
const schemaChanges = z.array(schemaChange);

const receipt = z.object({
  table: text,
  rows: count,
  bytes: count,
  files: count,
  version: count.optional(),
  operation: text,
  changed: rowCounts.optional(),
  schemaChanges: schemaChanges.optional(),
  parked: text.optional(),
});

const manifest = z.object({
  version,
  pipeline: text,
  lane: text,
  incarnation: text,
  sequence: count,
  loadId: text,
  runId: text,
  writer: text,
  predecessor: text.nullable(),
  startedAt: text,
  committedAt: text,
  streams: z.record(
    text,
    z.object({
      cursor: z.json(),
      cursorVersion: count,
      identity: z.json(),
      loadId: text,
      committedAt: text,
    }),
  ),
  tables: z.record(
    text,
    z.object({
      stream: text,
      resource: text,
      schema: text,
      columns: z.record(text, text),
      primaryKey: z.array(text),
      disposition: text,
      validity: z.array(text).optional(),
      rows: count.optional(),
      json: z.array(z.array(text)).optional(),
      nesting: z.json().optional(),
      nested: z.object({ root: text, parent: text, path: text }).optional(),
      quarantineOf: text.optional(),
    }),
  ),
  known: z.record(
    text,
    z.object({
      id: text,
      stream: text,
      schema: text,
      resync: z.literal(true).optional(),
      boundary: text.optional(),
    }),
  ),
  changes: z.array(
    z.object({
      table: text,
      stream: text,
      directory: text,
      tableId: text,
      create: z.boolean(),
      operation: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("append") }),
        z.object({ kind: z.literal("replace") }),
        z.object({ kind: z.literal("replaceWhere"), where: z.array(condition) }),
        merge,
      ]),
      schema: text,
      schemaChanged: z.boolean(),
      newColumns: z.literal(true).optional(),
      partitionBy: z.array(
        z.object({
          column: text,
          transform: z.enum(["year", "month", "day", "hour"]).optional(),
          name: text.optional(),
        }),
      ),
      ownership: z.enum(["own", "shared", "adopt"]),
      rows: count,
      bytes: count,
      fileCount: count,
      written: text,
      schemaChanges: schemaChanges.optional(),
      files: z.union([text, fileList]),
    }),
  ),
  parked: z.array(z.object({ table: text, stream: text, sequence: count, loadId: text, reason: text })),
  settled: z.array(
    z.object({
      table: text,
      loadId: text,
      how: z.enum(["retry", "skip", "resync"]),
      receipt: receipt.optional(),
    }),
  ),
  loadsFile: text,
});

const marker = z.object({
  version,
  loadId: text,
  versions: z.record(text, count.nullable()),
  parked: z.record(text, text),
  changed: z.record(text, rowCounts).optional(),
  boundaries: z.record(text, text).optional(),
});

const list = fileList.extend({ version });

/** A manifest as it is stored: JSON with sorted keys, so that equal manifests are equal bytes. */
export function encodeManifest(value: Manifest): Uint8Array {
  const merges =
    value.changes.some(({ operation, newColumns }) => operation.kind === "merge" || newColumns) ||
    Object.values(value.known).some(({ boundary }) => boundary !== undefined);
  const changes = value.changes.map(withStoredChanges);
  const settled = value.settled.map((entry) =>
    entry.receipt === undefined ? entry : { ...entry, receipt: withStoredChanges(entry.receipt) },
  );
  const isNested =
    Object.values(value.tables).some(
      ({ nesting, nested, json, quarantineOf }) => nesting !== undefined || nested || json || quarantineOf,
    ) || value.changes.some(({ operation }) => operation.kind === "merge" && operation.follows);
  return encode({ ...value, changes, settled }, isNested ? 3 : merges ? 2 : 1);
}

/** The same with its schema changes in their stored form. */
function withStoredChanges(value: { readonly schemaChanges?: readonly SchemaChange[] }): object {
  const { schemaChanges: found } = value;
  return found === undefined ? value : { ...value, schemaChanges: found.map(encodeSchemaChange) };
}

/** Reads what {@link encodeManifest} wrote. Throws `ALV_STATE_INVALID` naming `path`, the place in it, and the remedy. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  return decode(manifest, bytes, path, "manifest") as unknown as Manifest;
}

/** A list of files that stands beside its manifest. */
export function encodeFileList(value: FileList): Uint8Array {
  return encode(value, value.files.some(({ changes }) => changes) ? 2 : 1);
}

/** Reads what {@link encodeFileList} wrote. Throws `ALV_STATE_INVALID`. */
export function decodeFileList(bytes: Uint8Array, path: string): FileList {
  return decode(list, bytes, path, "list of files") as unknown as FileList;
}

/** The marker that a load is applied. */
export function encodeMarker(value: AppliedMarker): Uint8Array {
  return encode(value, value.changed === undefined && value.boundaries === undefined ? 1 : 2);
}

/** Reads what {@link encodeMarker} wrote. Throws `ALV_STATE_INVALID`. */
export function decodeMarker(bytes: Uint8Array, path: string): AppliedMarker {
  return decode(marker, bytes, path, "applied marker") as unknown as AppliedMarker;
}

function encode(value: object, form: 1 | 2 | 3): Uint8Array {
  // A manifest that was read and is put again brings its own version along.
  return new TextEncoder().encode(`${canonicalJson({ ...value, version: form } as Json)}\n`);
}

function decode(schema: z.ZodType, bytes: Uint8Array, path: string, what: string): unknown {
  const json = parseJson(bytes, path, what);
  const form = (json as { version?: unknown } | null)?.version;
  if (typeof form === "number" && form > newest)
    throw new AlluviumError(
      "ALV_STATE_INVALID",
      `the ${what} ${path} has version ${form}, this version of Alluvium reads up to ${newest}: update Alluvium, or run the version that wrote it`,
    );
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw damaged(path, what, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

/** Reads JSON of the state folder. Throws `ALV_STATE_INVALID` naming `path`. */
export function parseJson(bytes: Uint8Array, path: string, what: string): Json {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Json;
  } catch (error) {
    throw damaged(path, what, error instanceof Error ? error.message : String(error), error);
  }
}

/** The error for an object of the state folder that cannot be read. */
export function damaged(path: string, what: string, problem: string, cause?: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_STATE_INVALID",
    `the ${what} ${path} is damaged (${problem}): restore it from a backup of its folder; nothing was changed`,
    { cause },
  );
}
