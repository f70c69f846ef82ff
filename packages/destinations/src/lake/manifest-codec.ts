import { AlluviumError, type Json } from "@alluvium/core";
import { canonicalJson } from "@alluvium/core/state";
import { z } from "zod";
import type { AppliedMarker, FileList, Manifest } from "./manifest.ts";

/**
 * Version of the stored forms. Raise it when an older reader would misread the new form, and teach the decoders both: what was
 * committed once stays readable.
 */
const manifestVersion = 1;

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
});

const fileList = z.object({ files: z.array(dataFile), obsolete: z.array(text) });

const condition = z.object({
  column: text,
  op: z.enum(["=", "<", "<=", ">", ">=", "in"]),
  value: z.union([text, z.array(text), z.null()]),
});

const receipt = z.object({
  table: text,
  rows: count,
  bytes: count,
  files: count,
  version: count.optional(),
  operation: text,
  parked: text.optional(),
});

const manifest = z.object({
  version: z.literal(1),
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
      rows: count.optional(),
    }),
  ),
  known: z.record(
    text,
    z.object({ id: text, stream: text, schema: text, resync: z.literal(true).optional() }),
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
      ]),
      schema: text,
      schemaChanged: z.boolean(),
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
  version: z.literal(1),
  loadId: text,
  versions: z.record(text, count.nullable()),
  parked: z.record(text, text),
});

const list = fileList.extend({ version: z.literal(1) });

/** A manifest as it is stored: JSON with sorted keys, so that equal manifests are equal bytes. */
export function encodeManifest(value: Manifest): Uint8Array {
  return encode(value);
}

/** Reads what {@link encodeManifest} wrote. Throws `ALV_STATE_INVALID` naming `path`, the place in it, and the remedy. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  return decode(manifest, bytes, path, "manifest") as unknown as Manifest;
}

/** A list of files that stands beside its manifest. */
export function encodeFileList(value: FileList): Uint8Array {
  return encode(value);
}

/** Reads what {@link encodeFileList} wrote. Throws `ALV_STATE_INVALID`. */
export function decodeFileList(bytes: Uint8Array, path: string): FileList {
  return decode(list, bytes, path, "list of files") as unknown as FileList;
}

/** The marker that a load is applied. */
export function encodeMarker(value: AppliedMarker): Uint8Array {
  return encode(value);
}

/** Reads what {@link encodeMarker} wrote. Throws `ALV_STATE_INVALID`. */
export function decodeMarker(bytes: Uint8Array, path: string): AppliedMarker {
  return decode(marker, bytes, path, "applied marker") as unknown as AppliedMarker;
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson({ version: manifestVersion, ...value } as Json)}\n`);
}

function decode(schema: z.ZodType, bytes: Uint8Array, path: string, what: string): unknown {
  const json = parseJson(bytes, path, what);
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > manifestVersion)
    throw new AlluviumError(
      "ALV_STATE_INVALID",
      `the ${what} ${path} has version ${version}, this version of Alluvium reads up to ${manifestVersion}: update Alluvium, or run the version that wrote it`,
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
